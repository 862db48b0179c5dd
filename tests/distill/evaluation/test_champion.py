from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.layout import RunFolder
from include.distill.core.errors import ContractError, EndedAttemptError, NotFoundError, PromotionError
from include.distill.core.storage import read_json
from include.distill.evaluation.champion import (
    Champion,
    champion_before_run,
    champion_snapshot,
    describe_champion,
    promote,
    read_champion,
    read_stored_champion,
    save_champion_snapshot,
    winning_decision,
)
from include.distill.evaluation.champion_history import fence_champion
from include.distill.evaluation.champion_parts import ChampionEndpoint, EndpointPrice, RecordChange
from include.distill.evaluation.records import ChampionRecord
from tests.fakes.memory_store import MemoryStore

ROOT = "s3://train/distill"
URI = f"{ROOT}/champions/docs.json"


def folder(run_key: str) -> RunFolder:
    return RunFolder(f"{ROOT}/runs/{run_key}")


def winner(run_key: str, **changes: Any) -> Champion:
    stated = {
        "use_case": "docs",
        "model_arn": f"arn:{run_key}",
        "student": "nova-micro",
        "arm": "tuned",
        "run_key": run_key,
        "dag_id": "distill_docs",
        "run_id": f"manual__{run_key}",
        "verdict": "tuned is better",
        "promoted_at": "2026-11-22T02:00:00+00:00",
        "simulated": True,
        "report_uri": f"{ROOT}/runs/{run_key}/report/report.json",
    }
    return Champion(**{**stated, **changes})


def run_and_promote(
    store: MemoryStore, run_key: str, *, endpoint: ChampionEndpoint | None = None, **changes: Any
) -> Champion:
    """Save the champion snapshot and promote the winner, as a run does."""
    save_champion_snapshot(store, folder(run_key), champion_before_run(store, folder(run_key), "docs"))
    change = promotion(run_key) if endpoint else None
    return promote(store, folder(run_key), winner(run_key, **changes), endpoint=endpoint, change=change)


def promotion(run_key: str) -> RecordChange:
    return RecordChange(kind="promotion", dag_id="distill_docs", run_id=run_key, run_key=run_key, at="2026-11-27")


class TestPromote:
    def test_the_first_champion_has_no_predecessor(self, store: MemoryStore) -> None:
        assert run_and_promote(store, "one").previous is None
        assert read_json(store, URI, dict) == winner("one").model_dump()

    def test_a_champion_record_contains_the_previous_champion_and_no_older_one(self, store: MemoryStore) -> None:
        run_and_promote(store, "one")
        run_and_promote(store, "two")
        third = run_and_promote(store, "three")
        assert third.previous == winner("two")
        assert third.previous.previous is None
        assert read_champion(store, URI) == third

    def test_a_retry_of_a_promotion_changes_nothing(self, store: MemoryStore) -> None:
        run_and_promote(store, "one")
        first = run_and_promote(store, "two")
        later = winner("two", promoted_at="2027-01-01T00:00:00+00:00")
        assert promote(store, folder("two"), later) == first == read_champion(store, URI)

    def test_an_old_run_whose_task_is_cleared_does_not_replace_a_newer_champion(self, store: MemoryStore) -> None:
        save_champion_snapshot(store, folder("old"), None)
        run_and_promote(store, "new")
        with pytest.raises(
            PromotionError, match=r"arn:old was compared with no champion, .* now has the champion arn:new"
        ):
            promote(store, folder("old"), winner("old"))
        assert read_champion(store, URI) == winner("new")

    def test_a_run_whose_task_is_cleared_may_replace_its_own_winner(self, store: MemoryStore) -> None:
        run_and_promote(store, "one")
        run_and_promote(store, "two")
        again = run_and_promote(store, "two", model_arn="arn:other", arm="more")
        assert (again.model_arn, again.previous) == ("arn:other", winner("one"))


ENDPOINT = ChampionEndpoint(
    kind="provisioned",
    name="n",
    arn="arn:throughput/n",
    region="us-east-1",
    created="2026-11-22T00:00:00+00:00",
    units=1,
    approved_price=EndpointPrice(usd_per_hour=60.5, by="ada", at="2026-11-22T00:00:00+00:00"),
)
KEYS_OF_TODAY = {
    *("use_case", "model_arn", "student", "arm", "run_key", "dag_id", "run_id", "verdict", "promoted_at", "simulated"),
    *("report_uri", "approved_by", "previous"),
}


class TestStandingEndpoint:
    def test_without_one_the_record_has_only_the_keys_of_today(self, store: MemoryStore) -> None:
        for run_key in ("one", "two", "three"):
            run_and_promote(store, run_key)
        stored = read_json(store, URI, dict)
        assert set(stored) == set(stored["previous"]) == KEYS_OF_TODAY
        assert stored["previous"]["previous"] is None

    def test_with_one_the_record_has_the_endpoint_and_the_earlier_champions(self, store: MemoryStore) -> None:
        run_and_promote(store, "one")
        run_and_promote(store, "two", endpoint=ENDPOINT)
        third = run_and_promote(store, "three", endpoint=ENDPOINT)
        assert third == read_champion(store, URI)
        assert [one.model_arn for one in third.history] == ["arn:two", "arn:one"]
        assert third.previous == third.history[0] == winner("two")
        assert (third.endpoint, third.changed_by, third.revision) == (ENDPOINT, promotion("three"), 2)
        assert set(read_json(store, URI, dict)) == set(ChampionRecord.__annotations__)
        assert set(third.history[0].model_dump()) == KEYS_OF_TODAY

    def test_a_retry_changes_nothing_unless_the_endpoint_is_another_one(self, store: MemoryStore) -> None:
        run_and_promote(store, "one")
        first = run_and_promote(store, "two", endpoint=ENDPOINT)
        writes = store.writes.count(URI)
        assert promote(store, folder("two"), winner("two"), endpoint=ENDPOINT, change=promotion("two")) == first
        assert store.writes.count(URI) == writes
        other = ENDPOINT.model_copy(update={"arn": "arn:throughput/other"})
        again = promote(store, folder("two"), winner("two"), endpoint=other, change=promotion("two"))
        assert (again.endpoint, again.history) == (other, first.history)

    def test_a_record_that_was_written_after_the_endpoint_was_checked_is_not_replaced(self, store: MemoryStore) -> None:
        run_and_promote(store, "one", endpoint=ENDPOINT)
        save_champion_snapshot(store, folder("two"), read_champion(store, URI))
        read = read_stored_champion(store, URI)
        fence_champion(store, URI)
        with pytest.raises(PromotionError, match="has written"):
            promote(store, folder("two"), winner("two"), endpoint=ENDPOINT, change=promotion("two"), stored=read)
        assert read_champion(store, URI).model_arn == "arn:one"  # type: ignore[union-attr]

    def test_the_caller_may_stop_the_promotion_right_before_the_write(self, store: MemoryStore) -> None:
        def refuse() -> None:
            raise EndedAttemptError("no")

        save_champion_snapshot(store, folder("one"), None)
        with pytest.raises(EndedAttemptError):
            promote(store, folder("one"), winner("one"), require_running=refuse)
        assert read_champion(store, URI) is None

    def test_if_the_use_case_no_longer_serves_its_champion_the_record_keeps_the_endpoint(
        self, store: MemoryStore
    ) -> None:
        run_and_promote(store, "one", endpoint=ENDPOINT)
        second = run_and_promote(store, "two")
        assert (second.model_arn, second.endpoint, second.revision) == ("arn:two", ENDPOINT, 2)
        assert [one.model_arn for one in second.history] == ["arn:one"]

    def test_a_run_that_replaces_its_own_winner_does_not_become_its_own_predecessor(self, store: MemoryStore) -> None:
        run_and_promote(store, "one", endpoint=ENDPOINT)
        run_and_promote(store, "two", endpoint=ENDPOINT)
        again = run_and_promote(store, "two", model_arn="arn:other", endpoint=ENDPOINT)
        assert [one.model_arn for one in again.history] == ["arn:one"]

    def test_a_champion_of_an_earlier_version_has_its_predecessor_as_only_earlier_champion(self) -> None:
        old = winner("two", previous=winner("one"))
        assert (old.earlier, old.has_endpoint_key, old.is_extended) == ((winner("one"),), False, False)
        assert winner("one").earlier == ()
        assert Champion.model_validate({**old.model_dump(), "endpoint": None, "unknown": 1}).has_endpoint_key


class TestChampionOfARun:
    def test_a_run_is_not_compared_with_its_own_winner(self, store: MemoryStore) -> None:
        run_and_promote(store, "one")
        run_and_promote(store, "two")
        assert champion_before_run(store, folder("two"), "docs") == winner("one")
        assert champion_before_run(store, folder("three"), "docs") == read_champion(store, URI)

    def test_the_champion_snapshot_does_not_change_when_another_run_promotes_a_model(self, store: MemoryStore) -> None:
        save_champion_snapshot(store, folder("slow"), None)
        run_and_promote(store, "fast")
        assert champion_snapshot(store, folder("slow")) is None

    def test_reading_a_champion_snapshot_before_preflight_raises_an_error(self, store: MemoryStore) -> None:
        with pytest.raises(NotFoundError):
            champion_snapshot(store, folder("one"))

    @pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"model_arn": 3}', b"\xff"], ids=repr)
    def test_an_unreadable_champion_record_raises_an_error_that_names_the_object(
        self, store: MemoryStore, body: bytes
    ) -> None:
        store.write(URI, body)
        with pytest.raises(ContractError, match=r"s3://train/distill/champions/docs\.json is not a champion's record"):
            read_champion(store, URI)


def test_a_champion_promoted_on_the_aws_simulator_is_marked() -> None:
    assert describe_champion(winner("one")).startswith("arn:one (SIMULATED, promoted 2026-11-22")
    assert "SIMULATED" not in describe_champion(winner("one", simulated=False))
    assert "base student" in describe_champion(None)


def decisions(*bounds: float | None) -> Any:
    named = [{"candidate": f"arm {bound}", "promoted": bound is not None, "lower_bound": bound} for bound in bounds]
    return {"rule": "r", "false_promotions_a_year": 1.0, "decisions": named}


@pytest.mark.parametrize(
    ("promotion", "winner"),
    [
        pytest.param(decisions(0.53, 0.61, 0.55), "arm 0.61", id="the largest lower bound"),
        pytest.param(decisions(None, 0.53), "arm 0.53", id="the only promoted candidate"),
        pytest.param(decisions(None), None, id="no candidate is promoted"),
        pytest.param(decisions(), None, id="no candidate"),
        pytest.param(None, None, id="a report without a promotion"),
    ],
)
def test_the_winner_is_the_promoted_candidate_with_the_largest_lower_bound(promotion: Any, winner: str | None) -> None:
    decision = winning_decision(promotion)
    assert (decision and decision["candidate"]) == winner
