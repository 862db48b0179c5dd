from __future__ import annotations

import datetime

from include.distill.core.record_types import record_fault
from include.distill.progress.meter import Counts, ProgressMeter
from include.distill.progress.records import TaskProgress
from tests.fakes.clock import Clock

START = datetime.datetime(2026, 11, 28, 2, tzinfo=datetime.UTC)


def test_a_record_has_the_counts_the_rate_and_the_times(clock: Clock) -> None:
    counts = Counts(0, 0, 0, 0.0)
    meter = ProgressMeter(
        "synthesize",
        3,
        40,
        lambda: counts,
        clock=clock,
        now=lambda: START + datetime.timedelta(seconds=clock.now),
    )
    first = meter.record()
    assert first["rows_per_second"] is None
    clock.now = 60
    counts = Counts(18, 12, 6, 0.04)
    assert meter.record() == {
        "task_id": "synthesize",
        "map_index": 3,
        "rows": 40,
        "rows_done": 18,
        "asked": 12,
        "stored": 6,
        "usd": 0.04,
        "rows_per_second": 0.3,
        "started_at": "2026-11-28T02:00:00+00:00",
        "updated_at": "2026-11-28T02:01:00+00:00",
        "ended_at": None,
    }
    clock.now = 90
    assert meter.record(ended=True)["ended_at"] == "2026-11-28T02:01:30+00:00"


def test_the_record_has_the_declared_type() -> None:
    record = ProgressMeter("judge.nova-pro", -1, 40, lambda: Counts(1, 2, 0, 0.5)).record()
    assert record_fault(TaskProgress, record) is None
    assert datetime.datetime.fromisoformat(record["updated_at"]).tzinfo is not None
