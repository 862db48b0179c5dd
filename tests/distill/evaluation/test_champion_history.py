from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import PromotionError, TransientError
from include.distill.core.storage import read_json, write_json
from include.distill.evaluation.champion import HISTORY_LIMIT, Champion, read_champion, read_stored_champion
from include.distill.evaluation.champion_history import (
    WITHDRAWN_LIMIT,
    fence_champion,
    restore_champion,
    rollback_choices,
    set_champion_endpoint,
)
from include.distill.evaluation.champion_parts import ChampionEndpoint, RecordChange
from tests.distill.evaluation.test_champion import URI, run_and_promote, winner
from tests.fakes.memory_store import MemoryStore

ENDPOINT = ChampionEndpoint(
    kind="on_demand", name="n", arn="arn:deployment/n", region="us-east-1", created="2026-11-22T00:00:00+00:00"
)
OTHER = ENDPOINT.model_copy(update={"arn": "arn:deployment/other"})


def rollback(run_key: str, by: str | None = "ada") -> RecordChange:
    return RecordChange(
        kind="rollback", dag_id="distill_rollback", run_id=run_key, run_key=run_key, at="2026-11-27T01:00:00", by=by
    )


def choice(target: Champion, replaces: str | None) -> Any:
    return {"use_case": "docs", "to": "previous", "target": target.model_dump(mode="json"), "replaces": replaces}


def roll_back(store: MemoryStore, to: str, run_key: str, endpoint: ChampionEndpoint | None = None) -> Champion:
    champion = read_champion(store, URI)
    assert champion is not None
    target = next(one for one in rollback_choices(champion) if one.run_key == to)
    chosen = choice(target, champion.model_arn)
    return restore_champion(store, URI, chosen, change=rollback(run_key), endpoint=endpoint)


def models(champions: Any) -> list[str]:
    return [one.model_arn for one in champions]


@pytest.fixture
def two(store: MemoryStore) -> MemoryStore:
    run_and_promote(store, "one")
    run_and_promote(store, "two", endpoint=ENDPOINT)
    return store


class TestRestore:
    def test_an_earlier_champion_is_the_champion_again_with_its_own_evidence(self, two: MemoryStore) -> None:
        restored = roll_back(two, "one", "back")
        assert restored == read_champion(two, URI)
        assert (restored.model_arn, restored.run_key, restored.verdict) == ("arn:one", "one", "tuned is better")
        assert restored.changed_by == rollback("back")
        assert models(restored.history) == ["arn:two"]
        assert restored.previous == restored.history[0] == winner("two")
        assert restored.endpoint == ENDPOINT

    def test_the_replaced_model_is_withdrawn_until_a_rollback_puts_it_back(self, two: MemoryStore) -> None:
        restored = roll_back(two, "one", "back")
        withdrawal = restored.withdrawal("arn:two")
        assert withdrawal is not None
        assert "rolled back by ada on 2026-11-27" in withdrawal.describe()
        forth = roll_back(two, "two", "forth")
        assert (forth.model_arn, models(forth.withdrawn)) == ("arn:two", ["arn:one"])

    def test_the_rule_does_not_promote_a_withdrawn_model_again(self, two: MemoryStore) -> None:
        roll_back(two, "one", "back")
        before = dict(two.objects)
        with pytest.raises(PromotionError, match="rolled back by ada"):
            run_and_promote(two, "three", model_arn="arn:two")
        assert two.objects[URI] == before[URI]
        assert run_and_promote(two, "four").model_arn == "arn:four"

    def test_a_retry_changes_nothing(self, two: MemoryStore) -> None:
        chosen = choice(winner("one"), "arn:two")
        first = restore_champion(two, URI, chosen, change=rollback("back"), endpoint=ENDPOINT)
        writes = len(two.writes)
        later = rollback("back").model_copy(update={"at": "2027-01-01T00:00:00"})
        assert restore_champion(two, URI, chosen, change=later, endpoint=ENDPOINT) == first
        assert len(two.writes) == writes

    def test_a_retry_after_the_endpoint_was_created_again_records_only_the_endpoint(self, two: MemoryStore) -> None:
        first = roll_back(two, "one", "back", ENDPOINT)
        again = restore_champion(two, URI, choice(winner("one"), "arn:two"), change=rollback("back"), endpoint=OTHER)
        assert again.endpoint == OTHER
        assert (again.model_arn, again.history, again.withdrawn) == (first.model_arn, first.history, first.withdrawn)

    def test_a_champion_that_changed_after_the_choice_is_kept(self, two: MemoryStore) -> None:
        chosen = choice(winner("one"), "arn:two")
        run_and_promote(two, "three")
        with pytest.raises(PromotionError, match=r"to replace arn:two, but the champion is now arn:three"):
            restore_champion(two, URI, chosen, change=rollback("back"))
        with pytest.raises(PromotionError, match="but there is no champion now"):
            restore_champion(MemoryStore(), URI, chosen, change=rollback("back"))

    def test_a_record_that_was_written_after_the_endpoint_was_checked_is_not_replaced(self, two: MemoryStore) -> None:
        chosen, read = choice(winner("one"), "arn:two"), read_stored_champion(two, URI)
        fence_champion(two, URI)
        with pytest.raises(PromotionError, match="has written"):
            restore_champion(two, URI, chosen, change=rollback("back"), endpoint=ENDPOINT, stored=read)
        assert read_champion(two, URI).model_arn == "arn:two"  # type: ignore[union-attr]

    def test_the_present_champion_can_get_an_endpoint(self, store: MemoryStore) -> None:
        run_and_promote(store, "one")
        run_and_promote(store, "two")
        restored = roll_back(store, "two", "repair", ENDPOINT)
        assert (restored.model_arn, restored.endpoint, models(restored.history)) == ("arn:two", ENDPOINT, ["arn:one"])
        assert restored.withdrawn == ()

    def test_without_an_endpoint_only_the_champion_changes(self, store: MemoryStore) -> None:
        run_and_promote(store, "one")
        run_and_promote(store, "two")
        restored = roll_back(store, "one", "back")
        assert (restored.model_arn, restored.has_endpoint_key) == ("arn:one", False)
        assert "endpoint" not in read_json(store, URI, dict)

    def test_the_lists_are_bounded(self, store: MemoryStore) -> None:
        for number in range(WITHDRAWN_LIMIT + 3):
            run_and_promote(store, f"run{number}", endpoint=ENDPOINT)
            if number:
                roll_back(store, "run0", f"back{number}")
        champion = read_champion(store, URI)
        assert champion is not None
        assert (len(champion.history), len(champion.withdrawn)) == (HISTORY_LIMIT, WITHDRAWN_LIMIT)
        assert champion.model_arn == "arn:run0"
        assert champion.withdrawn[0].model_arn == f"arn:run{WITHDRAWN_LIMIT + 2}"
        assert all(one.history == () and one.previous is None for one in champion.history)


class TestFence:
    def test_a_task_that_read_the_record_before_the_fence_can_not_replace_it(
        self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run_and_promote(store, "one", endpoint=ENDPOINT)
        write = store.write_if_unchanged

        def fenced_first(uri: str, body: bytes, version: str) -> bool:
            monkeypatch.setattr(store, "write_if_unchanged", write)
            fence_champion(store, URI)
            return write(uri, body, version)

        monkeypatch.setattr(store, "write_if_unchanged", fenced_first)
        with pytest.raises(PromotionError, match="Another task has written"):
            run_and_promote(store, "two", endpoint=ENDPOINT)
        champion = read_champion(store, URI)
        assert champion is not None
        assert (champion.model_arn, champion.revision) == ("arn:one", 2)

    def test_nothing_but_the_revision_changes(self, two: MemoryStore) -> None:
        before = read_json(two, URI, dict)
        fenced = fence_champion(two, URI)
        assert fenced is not None
        assert read_json(two, URI, dict) == {**before, "revision": before["revision"] + 1}
        assert fence_champion(MemoryStore(), URI) is None

    def test_a_record_that_others_write_again_and_again_is_a_transient_error(
        self, two: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(two, "write_if_unchanged", lambda *_: False)
        with pytest.raises(TransientError):
            fence_champion(two, URI)


class TestEndpoint:
    def test_a_deleted_endpoint_is_null_and_not_absent(self, two: MemoryStore) -> None:
        champion = set_champion_endpoint(two, URI, None)
        assert champion is not None
        assert (champion.endpoint, champion.has_endpoint_key) == (None, True)
        stored = read_json(two, URI, dict)
        assert stored["endpoint"] is None
        read = read_champion(two, URI)
        assert read is not None
        assert read.has_endpoint_key

    def test_an_endpoint_is_recorded_for_the_champion_of_an_earlier_version(self, store: MemoryStore) -> None:
        write_json(store, URI, winner("one").model_dump())
        champion = set_champion_endpoint(store, URI, ENDPOINT)
        assert champion is not None
        assert (champion.model_arn, champion.endpoint) == ("arn:one", ENDPOINT)
        assert set_champion_endpoint(MemoryStore(), URI, ENDPOINT) is None


def test_a_rollback_may_choose_the_present_champion_or_an_earlier_one(store: MemoryStore) -> None:
    run_and_promote(store, "one")
    run_and_promote(store, "two")
    champion = read_champion(store, URI)
    assert champion is not None
    assert models(rollback_choices(champion)) == ["arn:two", "arn:one"]
