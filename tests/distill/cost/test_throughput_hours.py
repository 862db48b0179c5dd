from __future__ import annotations

import datetime
from typing import Any

from include.distill.cost.throughput_hours import release_record, unit_hours

NINE = datetime.datetime(2026, 11, 22, 9, 0, tzinfo=datetime.UTC)


def stone(minutes: int, *names: str, units: int = 1) -> dict[str, Any]:
    """A tombstone written ``minutes`` after nine, for throughputs created at nine."""
    found = [{"name": name, "created": NINE.isoformat(), "units": units} for name in names]
    return release_record(found, now=NINE + datetime.timedelta(minutes=minutes))


def test_a_tombstone_is_json_that_names_what_was_found() -> None:
    assert stone(30, "a") == {
        "released_at": "2026-11-22T09:30:00+00:00",
        "found": [{"name": "a", "created": "2026-11-22T09:00:00+00:00", "units": 1}],
    }


def test_hours_are_units_times_the_time_from_creation_to_release() -> None:
    assert unit_hours([stone(90, "a", units=2)]) == 3


def test_several_throughputs_add_up() -> None:
    assert unit_hours([stone(30, "a"), stone(60, "b", "c")]) == 2.5


def test_one_that_several_tombstones_name_counts_once_until_the_last() -> None:
    stones = [stone(30, "a"), stone(60, "a"), stone(45, "a")]
    assert unit_hours(stones) == unit_hours(reversed(stones)) == 1


def test_other_time_zones_are_the_same_time() -> None:
    there = datetime.timezone(datetime.timedelta(hours=5))
    found = [{"name": "a", "created": NINE.astimezone(there).isoformat(), "units": 1}]
    assert unit_hours([release_record(found, now=NINE + datetime.timedelta(hours=1))]) == 1


def test_a_release_that_found_nothing_costs_nothing() -> None:
    assert unit_hours([]) == unit_hours([stone(30)]) == 0
