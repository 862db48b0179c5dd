"""A person deletes a standing endpoint: first the record, then the endpoint, and never during a change."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from bedrock_distill.lifecycle.standing_removal import standing_removal
from include.distill.cleanup.plan import ListedEndpoint
from include.distill.config.layout import champion_uri, endpoint_change_uri
from include.distill.core.errors import ChangeInProgressError
from include.distill.core.storage import read_json, write_json
from include.distill.evaluation.champion import Champion, read_champion
from include.distill.evaluation.champion_parts import ChampionEndpoint
from include.distill.evaluation.endpoint_change import ChangeAim, ChangeLock, Holder
from tests.fakes.memory_store import MemoryStore

ROOT = "s3://train/distill"
RECORD, CHANGE = champion_uri(ROOT, "docs"), endpoint_change_uri(ROOT, "docs")
ME, OTHER = Holder("distill_clean_up", "now", "clean-up"), Holder("distill_docs", "nightly", "nightly-1")
WHEN = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
STANDING = ListedEndpoint("prod-docs-standing", "arn:e", WHEN, {"use-case": "docs"}, None, "arn:m", 0)
ENDPOINT = ChampionEndpoint(kind="on_demand", name=STANDING.name, arn="arn:e", region="us-east-1", created="2026")
CHAMPION = Champion(
    use_case="docs",
    model_arn="arn:m",
    student="nova-micro",
    arm="tuned",
    run_key="nightly-1",
    dag_id="distill_docs",
    run_id="nightly",
    verdict="better",
    promoted_at="2026-11-20T00:00:00Z",
    simulated=True,
    report_uri="s3://train/report.json",
    endpoint=ENDPOINT,
)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    write_json(store, RECORD, CHAMPION.model_dump())
    return store


def removal(store: MemoryStore, *, live: tuple[str, ...] = ()) -> Any:
    return standing_removal(store, ROOT, STANDING, ME, is_live=lambda dag_id, run_id: run_id in live)


def begin_change(store: MemoryStore, *, end: bool = False) -> None:
    lock = ChangeLock(store, ROOT, "docs")
    aim = ChangeAim("promotion", "arn:new", "arn:m", "on_demand", STANDING.name)
    change = lock.take(OTHER, aim, is_live=lambda *_: False)
    if end:
        lock.end(change, arn="arn:e")


@pytest.mark.parametrize("before", [None, "settled", "abandoned"])
def test_the_record_names_no_endpoint_before_the_endpoint_is_deleted(store: MemoryStore, before: str | None) -> None:
    if before:
        begin_change(store, end=before == "settled")
    with removal(store):
        champion = read_champion(store, RECORD)
        assert champion is not None
        assert (champion.endpoint, champion.has_endpoint_key, champion.model_arn) == (None, True, "arn:m")
        assert read_json(store, CHANGE, dict)["state"] == "settling"
    change = read_json(store, CHANGE, dict)
    assert (change["state"], change["arn"], change["run_key"]) == ("settled", None, "clean-up")


def test_nothing_is_changed_while_a_run_changes_the_endpoint(store: MemoryStore) -> None:
    begin_change(store)
    before = dict(store.objects)
    with (
        pytest.raises(ChangeInProgressError, match="Run nightly of distill_docs has been changing"),
        removal(store, live=("nightly",)),
    ):
        raise AssertionError("the endpoint would have been deleted")
    assert store.objects == before


def test_nothing_is_changed_if_a_run_begins_a_change_at_the_same_time(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChangeLock, "begin_settling", lambda *_: None)
    before = dict(store.objects)
    with pytest.raises(ChangeInProgressError, match="at the same time"), removal(store):
        raise AssertionError("the endpoint would have been deleted")
    assert store.objects == before


def test_a_deletion_that_failed_is_repeated_by_the_next_attempt(store: MemoryStore) -> None:
    with pytest.raises(ValueError, match="refused"), removal(store):
        raise ValueError("refused")
    assert read_json(store, CHANGE, dict)["state"] == "settling"
    with removal(store, live=(ME.run_id,)):
        pass
    assert read_json(store, CHANGE, dict)["state"] == "settled"
