from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.layout import RunFolder
from include.distill.core.errors import ContractError, NotFoundError, PromotionError
from include.distill.core.storage import read_json
from include.distill.evaluation.champion import (
    Champion,
    champion_before_run,
    champion_snapshot,
    describe_champion,
    promote,
    read_champion,
    save_champion_snapshot,
)
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


def night(store: MemoryStore, run_key: str, **changes: Any) -> Champion:
    """A run from preflight to promotion."""
    save_champion_snapshot(store, folder(run_key), champion_before_run(store, folder(run_key), "docs"))
    return promote(store, folder(run_key), winner(run_key, **changes))


class TestCrown:
    def test_the_first_one_follows_nobody(self, store: MemoryStore) -> None:
        assert night(store, "one").previous is None
        assert read_json(store, URI) == winner("one").model_dump()

    def test_the_next_one_keeps_the_one_before_and_no_more(self, store: MemoryStore) -> None:
        night(store, "one")
        night(store, "two")
        third = night(store, "three")
        assert third.previous == winner("two")
        assert third.previous.previous is None
        assert read_champion(store, URI) == third

    def test_a_retry_changes_nothing(self, store: MemoryStore) -> None:
        night(store, "one")
        first = night(store, "two")
        later = winner("two", promoted_at="2027-01-01T00:00:00+00:00")
        assert promote(store, folder("two"), later) == first == read_champion(store, URI)

    def test_an_old_run_that_is_cleared_does_not_dethrone_a_newer_champion(self, store: MemoryStore) -> None:
        save_champion_snapshot(store, folder("old"), None)
        night(store, "new")
        with pytest.raises(PromotionError, match=r"arn:old was compared with no champion, and .* is arn:new since"):
            promote(store, folder("old"), winner("old"))
        assert read_champion(store, URI) == winner("new")

    def test_a_run_that_is_cleared_and_finds_another_winner_replaces_its_own(self, store: MemoryStore) -> None:
        night(store, "one")
        night(store, "two")
        again = night(store, "two", model_arn="arn:other", arm="more")
        assert (again.model_arn, again.previous) == ("arn:other", winner("one"))


class TestStanding:
    def test_a_run_is_not_compared_with_its_own_winner(self, store: MemoryStore) -> None:
        night(store, "one")
        night(store, "two")
        assert champion_before_run(store, folder("two"), "docs") == winner("one")
        assert champion_before_run(store, folder("three"), "docs") == read_champion(store, URI)

    def test_what_preflight_saw_holds_for_the_whole_run(self, store: MemoryStore) -> None:
        save_champion_snapshot(store, folder("slow"), None)
        night(store, "fast")
        assert champion_snapshot(store, folder("slow")) is None

    def test_without_preflight_it_is_unknown(self, store: MemoryStore) -> None:
        with pytest.raises(NotFoundError):
            champion_snapshot(store, folder("one"))

    @pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"model_arn": 3}', b"\xff"], ids=repr)
    def test_what_names_no_champion_is_an_error_that_says_where(self, store: MemoryStore, body: bytes) -> None:
        store.write(URI, body)
        with pytest.raises(ContractError, match=r"s3://train/distill/champions/docs\.json does not name a champion"):
            read_champion(store, URI)


def test_a_champion_of_the_simulator_is_marked() -> None:
    assert describe_champion(winner("one")).startswith("arn:one (SIMULATED, promoted 2026-11-22")
    assert "SIMULATED" not in describe_champion(winner("one", simulated=False))
    assert "base student" in describe_champion(None)
