"""Test that a damaged month hides only its own runs, and that the sentence about it can be followed."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from include.distill.core.errors import RefusedError
from include.distill.history.months import read_history
from include.distill.history.readable import read_readable_history
from tests.distill.history.test_months import DECEMBER, NOVEMBER, ROOT, add, entry
from tests.fakes.memory_store import MemoryStore

DAMAGED = f"{ROOT}/history/faq/2026-11.json"


def month(**changes: Any) -> bytes:
    return json.dumps({"format": 1, "runs": [{**entry("a", NOVEMBER), **changes}]}).encode()


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    add(store, "a", NOVEMBER)
    add(store, "b", DECEMBER)
    return store


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"runs": 1}',
        b'{"runs": [{}]}',
        b"[" * 100_000,
        month(state="finished"),
        month(started_at="yesterday"),
        month(started_at="2026-11-30T02:00:00"),
        month(started_at="0001-01-01T00:00:00+14:00"),
        month(ended_at="2026-11-30T04:00:00"),
        month(spent_usd=float("nan")),
        month(spent_by_kind={"teacher": float("inf")}),
        month(estimated_usd=10**400),
        month(judges=[{"judge": "j", "half_win_rate": 0.5, "half_win_ci95": [0.4], "questions": 3}]),
    ],
    ids=range(16),
)
def test_a_damaged_month_hides_only_its_own_runs(store: MemoryStore, body: bytes) -> None:
    store.objects[DAMAGED] = body
    history = read_readable_history(store, ROOT, "faq")
    assert [run["run_key"] for run in history.runs] == ["b"]
    (damaged,) = history.unusable
    assert (damaged.uri, damaged.month, damaged.object_name) == (DAMAGED, "2026-11", "history/faq/2026-11.json")
    assert damaged.sentence.startswith("history/faq/2026-11.json is damaged")
    assert "Download the object and correct it, or move it out of the folder." in damaged.sentence
    assert "training" not in damaged.sentence, "the sentence names no bucket"
    assert history.lacks(NOVEMBER)
    assert not history.lacks(DECEMBER)
    with pytest.raises(type(damaged.error)):
        read_history(store, ROOT, "faq")


def test_the_month_of_a_newer_version_is_not_called_damaged(store: MemoryStore) -> None:
    store.objects[DAMAGED] = b'{"format": 99, "version": "9.0.0", "runs": []}'
    (newer,) = read_readable_history(store, ROOT, "faq").unusable
    assert "written by a newer version" in newer.sentence
    assert "Upgrade this installation" in newer.sentence
    assert "damaged" not in newer.sentence


def test_a_month_that_is_not_wanted_is_not_reported(store: MemoryStore) -> None:
    store.objects[DAMAGED] = b"{"
    history = read_readable_history(store, ROOT, "faq", since=DECEMBER)
    assert ([run["run_key"] for run in history.runs], history.unusable) == (["b"], [])


def test_an_object_that_was_moved_away_is_not_read_under_its_new_name(store: MemoryStore) -> None:
    store.objects[f"{DAMAGED}.old"] = store.objects.pop(DAMAGED)
    store.objects[f"{ROOT}/history/faq/2026-11 (copy).json"] = b"{"
    history = read_readable_history(store, ROOT, "faq")
    assert ([run["run_key"] for run in history.runs], history.unusable) == (["b"], [])
    assert [run["run_key"] for run in read_history(store, ROOT, "faq")] == ["b"]


def test_a_refusal_of_s3_is_not_a_damaged_object(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> bytes:
        raise RefusedError("AccessDenied")

    monkeypatch.setattr(store, "read", refuse)
    with pytest.raises(RefusedError, match="AccessDenied"):
        read_readable_history(store, ROOT, "faq")


def test_runs_are_in_the_order_of_their_starts(store: MemoryStore) -> None:
    add(store, "0", NOVEMBER - datetime.timedelta(days=40))
    history = read_readable_history(store, ROOT, "faq")
    assert [run["run_key"] for run in history.runs] == ["0", "a", "b"]
