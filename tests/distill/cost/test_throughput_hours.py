from __future__ import annotations

import datetime

from include.distill.cost.records import ReleasedThroughput, ThroughputRelease
from include.distill.cost.throughput_hours import release_record, unit_hours

NINE = datetime.datetime(2026, 11, 22, 9, 0, tzinfo=datetime.UTC)


def released(minutes: int, *names: str, units: int = 1) -> ThroughputRelease:
    """Make a release record ``minutes`` after nine, for throughputs that were created at nine."""
    throughputs: list[ReleasedThroughput] = [
        {"name": name, "created": NINE.isoformat(), "units": units} for name in names
    ]
    return release_record(throughputs, now=NINE + datetime.timedelta(minutes=minutes))


def test_a_release_record_names_the_released_throughputs() -> None:
    assert released(30, "a") == {
        "released_at": "2026-11-22T09:30:00+00:00",
        "found": [{"name": "a", "created": "2026-11-22T09:00:00+00:00", "units": 1}],
    }


def test_unit_hours_are_units_times_the_hours_from_creation_to_release() -> None:
    assert unit_hours([released(90, "a", units=2)]) == 3


def test_the_hours_of_several_throughputs_are_added() -> None:
    assert unit_hours([released(30, "a"), released(60, "b", "c")]) == 2.5


def test_a_throughput_in_several_records_counts_once_until_the_latest_release() -> None:
    records = [released(30, "a"), released(60, "a"), released(45, "a")]
    assert unit_hours(records) == unit_hours(reversed(records)) == 1


def test_the_time_zone_of_a_creation_time_does_not_change_the_hours() -> None:
    there = datetime.timezone(datetime.timedelta(hours=5))
    throughputs: list[ReleasedThroughput] = [{"name": "a", "created": NINE.astimezone(there).isoformat(), "units": 1}]
    assert unit_hours([release_record(throughputs, now=NINE + datetime.timedelta(hours=1))]) == 1


def test_a_release_without_throughputs_costs_nothing() -> None:
    assert unit_hours([]) == unit_hours([released(30)]) == 0


def test_the_hours_of_a_throughput_that_failed_are_counted_apart() -> None:
    broken = released(60, "b")
    broken["found"][0]["failed"] = True
    records = [released(30, "a", "b"), broken]
    assert (unit_hours(records), unit_hours(records, failed=True)) == (0.5, 1)
