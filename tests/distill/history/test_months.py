"""Tests of the history of a use case's runs."""

from __future__ import annotations

import datetime

import pytest

from include.distill.core.errors import StoredRecordError, TransientError
from include.distill.history.months import read_history, read_month, update_run
from include.distill.history.records import HistoryEntry
from tests.fakes.memory_store import MemoryStore

ROOT = "s3://training/distill"
NOVEMBER = datetime.datetime(2026, 11, 30, 23, 59, tzinfo=datetime.UTC)
DECEMBER = datetime.datetime(2026, 12, 1, 2, tzinfo=datetime.UTC)


def entry(run_key: str, started: datetime.datetime, *, spent: float | None = None) -> HistoryEntry:
    return {
        "run_key": run_key,
        "use_case": "faq",
        "dag_id": "distill_faq",
        "run_id": f"scheduled__{run_key}",
        "owner": "ml",
        "started_at": started.isoformat(),
        "ended_at": None,
        "state": "running",
        "scheduled": True,
        "estimated_usd": 2.0,
        "spent_usd": spent,
        "spent_by_kind": {},
    }


def add(store: MemoryStore, run_key: str, started: datetime.datetime, *, spent: float | None = None) -> None:
    update_run(store, ROOT, "faq", run_key, started, lambda _: entry(run_key, started, spent=spent))


def test_runs_come_back_oldest_first_from_one_object_per_month() -> None:
    store = MemoryStore()
    add(store, "b", DECEMBER)
    add(store, "a", NOVEMBER)
    assert [run["run_key"] for run in read_history(store, ROOT, "faq")] == ["a", "b"]
    assert sorted(store.objects) == [f"{ROOT}/history/faq/2026-11.json", f"{ROOT}/history/faq/2026-12.json"]


def test_the_record_of_a_run_is_replaced() -> None:
    store = MemoryStore()
    add(store, "a", NOVEMBER)
    add(store, "a", NOVEMBER, spent=1.5)
    assert [run["spent_usd"] for run in read_history(store, ROOT, "faq")] == [1.5]


def test_months_before_the_wanted_time_are_not_read() -> None:
    store = MemoryStore()
    add(store, "a", NOVEMBER)
    add(store, "b", DECEMBER)
    store.objects[f"{ROOT}/history/faq/2026-11.json"] = b"not JSON"
    assert [run["run_key"] for run in read_history(store, ROOT, "faq", since=DECEMBER)] == ["b"]


def test_one_month_of_all_use_cases_is_read_even_if_their_files_are_gone() -> None:
    store = MemoryStore()
    add(store, "a", NOVEMBER)
    add(store, "b", DECEMBER)
    other: HistoryEntry = {**entry("c", DECEMBER), "use_case": "deleted"}
    update_run(store, ROOT, "deleted", "c", DECEMBER, lambda _: other)
    store.objects[f"{ROOT}/history/faq/2026-11.json"] = b"not JSON"
    assert [run["run_key"] for run in read_month(store, ROOT, DECEMBER)] == ["c", "b"]
    assert [run["run_key"] for run in read_month(store, ROOT, DECEMBER, use_case="faq")] == ["b"]


def test_a_month_without_runs_is_empty() -> None:
    assert read_month(MemoryStore(), ROOT, DECEMBER) == []
    assert read_month(MemoryStore(), ROOT, DECEMBER, use_case="faq") == []


def test_another_run_that_writes_at_the_same_time_is_kept() -> None:
    store = MemoryStore()
    attempts = []

    def change(stored: HistoryEntry | None) -> HistoryEntry:
        attempts.append(stored)
        if len(attempts) == 1:
            add(store, "other", NOVEMBER)
        return entry("a", NOVEMBER)

    update_run(store, ROOT, "faq", "a", NOVEMBER, change)
    assert len(attempts) == 2
    assert [run["run_key"] for run in read_history(store, ROOT, "faq")] == ["a", "other"]


def test_an_unchanged_record_is_not_written_again() -> None:
    store = MemoryStore()
    add(store, "a", NOVEMBER)
    add(store, "a", NOVEMBER)
    assert len(store.writes) == 1


def test_a_month_that_never_stands_still_is_an_error_that_says_what_to_do() -> None:
    store = MemoryStore()

    def change(stored: HistoryEntry | None) -> HistoryEntry:
        add(store, f"other{len(store.writes)}", NOVEMBER)
        return entry("a", NOVEMBER)

    with pytest.raises(TransientError, match=r"20 times.*Clear this task"):
        update_run(store, ROOT, "faq", "a", NOVEMBER, change)


def test_a_month_that_is_not_json_is_named() -> None:
    store = MemoryStore()
    store.objects[f"{ROOT}/history/faq/2026-11.json"] = b"not JSON"
    with pytest.raises(StoredRecordError, match=r"history/faq/2026-11\.json is not JSON"):
        read_history(store, ROOT, "faq")
