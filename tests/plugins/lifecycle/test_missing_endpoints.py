"""An endpoint that stays missing after its creation counts as deleted, and one that is new does not."""

from __future__ import annotations

import datetime

from bedrock_distill.lifecycle.missing_endpoints import counts_as_deleted
from include.distill.core.storage import read_json
from include.distill.cost.records import ThroughputRelease
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

NOW = datetime.datetime(2026, 11, 28, 3, tzinfo=datetime.UTC)


def test_an_endpoint_counts_as_deleted_after_it_has_been_missing_for_five_minutes(store: MemoryStore) -> None:
    waits = [datetime.timedelta(minutes=minutes) for minutes in (0, 4, 5)]
    assert [counts_as_deleted(store, FOLDER, "tuned", 1, now=NOW + wait) for wait in waits] == [False, False, True]


def test_its_release_is_recorded_so_that_the_next_endpoint_has_another_name(store: MemoryStore) -> None:
    counts_as_deleted(store, FOLDER, "tuned", 2, now=NOW)
    assert store.list(FOLDER.release_records("tuned")) == []
    later = NOW + datetime.timedelta(hours=1)
    counts_as_deleted(store, FOLDER, "tuned", 2, now=later)
    record = read_json(store, FOLDER.release_record("tuned", 2), ThroughputRelease)
    assert record == {"released_at": later.isoformat(), "found": []}
