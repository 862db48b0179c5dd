"""Test what the pages derive from the history of a use case."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.trend.nights import earliest_start, last_days, nights_of
from tests.distill.trend.example_nights import DRIFT, begun, entry, failed


def test_the_figures_of_a_night_come_from_its_run() -> None:
    (night,) = nights_of([entry()])
    assert (night.state, night.hours, night.accepted_share, night.stored_share) == ("succeeded", 2.5, 0.75, 0.75)
    assert night.started == datetime.datetime(2026, 11, 1, 2, tzinfo=datetime.UTC)


def test_a_night_without_results_has_no_figures() -> None:
    (night,) = nights_of([begun()])
    assert (night.hours, night.accepted_share, night.stored_share, night.drift) == (None, None, None, ())


def test_no_share_is_divided_by_zero() -> None:
    pairs = {"requested": 0, "accepted": 0, "rejected": 0, "missing": 0, "dropped": {}}
    calls = {"calls": 0, "stored": 0, "input_tokens": 0, "output_tokens": 0}
    (night,) = nights_of([entry(pairs=pairs, calls=calls)])
    assert (night.accepted_share, night.stored_share) == (None, None)


@pytest.mark.parametrize(("alive", "state"), [(["scheduled__2026-11-01T02:00:00+00:00"], "running"), ([], "lost")])
def test_a_running_run_that_airflow_does_not_run_any_more_is_lost(alive: list[str], state: str) -> None:
    assert nights_of([begun()], alive=alive)[0].state == state


def test_without_a_look_at_airflow_a_run_stays_running() -> None:
    assert nights_of([begun()])[0].state == "running"


def test_a_run_that_has_ended_is_never_lost() -> None:
    assert nights_of([failed(0)], alive=[])[0].state == "failed"


def test_what_was_added_is_the_difference_to_the_last_run_that_knows_its_rows() -> None:
    first, _, third = nights_of([entry(0), failed(1), entry(2)])
    assert (first.rows_added, first.documents_added, first.questions_added) == (None, None, None)
    assert (third.rows_added, third.documents_added, third.questions_added) == (2, 4, 0)


def test_nothing_is_added_to_a_count_that_is_not_known() -> None:
    unknown: Any = {**entry(0), "rows": {**entry(0)["rows"], "documents": None}}
    assert nights_of([unknown, entry(1)])[1].documents_added is None


@pytest.mark.parametrize(
    ("second", "changed"),
    [
        pytest.param({"promoted": "tuned"}, True, id="promoted"),
        pytest.param({"champion_model_arn": "b"}, True, id="another model, such as after a rollback"),
        pytest.param({"champion_model_arn": "a"}, False, id="the same model"),
        pytest.param({"champion_model_arn": None}, False, id="not known"),
        pytest.param({}, False, id="no key"),
    ],
)
def test_a_night_shows_whether_the_champion_changed(second: dict[str, Any], changed: bool) -> None:
    found = nights_of([entry(0, champion_model_arn="a"), entry(1, **second)])
    assert [night.champion_changed for night in found] == [False, changed]


def test_a_night_knows_which_of_its_measures_changed() -> None:
    (night,) = nights_of([entry(drift=[DRIFT])])
    assert night.drifted("half_win_rate")
    assert not night.drifted("accepted_share")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-10T12:00:00+00:00", [8, 9, 10]),  # the run of today is recorded
        ("2026-11-11T00:30:00+00:00", [8, 9, 10]),  # there is none today yet
        ("2026-11-11T02:30:00+05:00", [8, 9, 10]),  # it is still 10 November in UTC
        ("2026-11-12T12:00:00+00:00", [9, 10]),  # the run of yesterday is missing
    ],
)
def test_the_last_days_end_today_or_before_the_first_run_of_today_yesterday(now: str, expected: list[int]) -> None:
    moment = datetime.datetime.fromisoformat(now)
    nights = nights_of([entry(number) for number in range(10)])  # 1 to 10 November
    shown = last_days(nights, 3, moment)
    assert [night.started.day for night in shown] == expected
    assert earliest_start(3, moment) <= shown[0].started
