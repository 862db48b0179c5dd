"""The nights end before now, and the planted drift is on one night of the nightly use case."""

from __future__ import annotations

import datetime

import pytest

from tools.nights.plan import COST_FACTOR, LOST_STRENGTH, NIGHTS, PLANS, plan_nights

NIGHTLY, WEEKLY = PLANS


@pytest.mark.parametrize(
    ("now", "last"),
    [("2026-11-28T14:00:00+00:00", 28), ("2026-11-28T02:30:00+00:00", 27), ("2026-11-28T00:10:00+00:00", 27)],
)
def test_the_last_night_has_ended(now: str, last: int) -> None:
    nights = plan_nights(NIGHTLY, datetime.datetime.fromisoformat(now))
    assert nights[-1].started == datetime.datetime(2026, 11, last, 2, tzinfo=datetime.UTC)
    assert len(nights) == NIGHTS
    assert len({night.run_id for night in nights}) == NIGHTS


def test_one_night_is_worse_and_more_expensive_than_the_night_before() -> None:
    nights = plan_nights(NIGHTLY, datetime.datetime(2026, 11, 28, 14, tzinfo=datetime.UTC))
    [drift] = [night for night in nights if night.drifts]
    before = nights[drift.number - 1]
    assert drift.strength["tuned"] == pytest.approx(before.strength["tuned"] - LOST_STRENGTH)
    assert (before.cost_factor, drift.cost_factor) == (1.0, COST_FACTOR)
    assert drift.pairs == before.pairs, "a change of the settings would explain the drift"


def test_the_other_use_case_runs_less_often() -> None:
    nights = plan_nights(WEEKLY, datetime.datetime(2026, 11, 28, 14, tzinfo=datetime.UTC))
    assert [night.number for night in nights] == [0, 5, 10, 15, 20, 25]
    assert not any(night.scheduled for night in nights)
