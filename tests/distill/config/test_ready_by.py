from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.ready_by import deadline_after, ready_by_problem
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case
from tests.fakes.variables import VARIABLES

LATE = [{"on": ["late"], "slack": {"conn_id": "slack"}}]


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("run_after", "ready_by", "timezone", "deadline"),
    [
        ("2026-01-15T01:00", "06:00", "Europe/Berlin", "2026-01-15T05:00"),  # winter
        ("2026-07-15T00:00", "06:00", "Europe/Berlin", "2026-07-15T04:00"),  # summer
        ("2026-03-29T00:30", "06:00", "Europe/Berlin", "2026-03-29T04:00"),  # the night is an hour shorter
        ("2026-10-25T00:00", "06:00", "Europe/Berlin", "2026-10-25T05:00"),  # the night is an hour longer
        ("2026-03-28T21:00", "06:00", "Europe/Berlin", "2026-03-29T04:00"),  # the evening before the change
        ("2026-03-29T00:00", "02:30", "Europe/Berlin", "2026-03-29T01:30"),  # the clocks skip 02:30
        ("2026-10-25T00:00", "02:30", "Europe/Berlin", "2026-10-25T00:30"),  # the clocks show 02:30 twice
        ("2026-10-25T01:00", "02:30", "Europe/Berlin", "2026-10-25T01:30"),  # the run starts at the second 02:00
        ("2026-10-25T01:30", "02:30", "Europe/Berlin", "2026-10-26T01:30"),
        ("2026-03-29T01:30", "02:30", "Europe/Berlin", "2026-03-30T00:30"),
        ("2026-11-27T02:00", "06:00", "UTC", "2026-11-27T06:00"),
        ("2026-11-27T06:00", "06:00", "UTC", "2026-11-28T06:00"),
        ("2026-11-27T20:00", "06:00", "America/New_York", "2026-11-28T11:00"),
        ("2026-11-27T20:00", "06:00", "Pacific/Auckland", "2026-11-28T17:00"),
    ],
)
def test_the_deadline_is_a_time_on_the_clocks_of_the_zone(
    run_after: str, ready_by: str, timezone: str, deadline: str
) -> None:
    assert deadline_after(utc(run_after), ready_by, timezone) == utc(deadline)


@pytest.mark.parametrize("schedule", ["0 2 * * *", "30 22 * * 1-5", "@daily", "@weekly", "0 0 29 2 *", "0 2 * * * 0 *"])
def test_a_schedule_with_a_fixed_time_of_day_is_accepted(schedule: str) -> None:
    assert ready_by_problem("06:00", schedule) is None


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        (None, "the use case has no schedule"),
        *((one, "has no fixed time of day") for one in ("@once", "@continuous", "@hourly", "0 */6 * * *", "* 2 * * *")),
        ("0 2 * * * *", "has no fixed time of day"),  # every second
        ("0 6 * * *", "at which the runs start"),
    ],
)
def test_a_schedule_without_a_fixed_time_of_day_is_refused(schedule: str | None, problem: str) -> None:
    with pytest.raises(UseCaseError, match="ready_by: found 06:00, ") as refused:
        make_use_case(schedule=schedule, ready_by="06:00", timezone="UTC", notify=LATE)
    assert problem in str(refused.value)


@pytest.mark.parametrize("notify", [[], [{"on": ["failed"], "slack": {"conn_id": "slack"}}]])
def test_a_time_of_which_nobody_is_notified_is_refused(notify: list[Any]) -> None:
    with pytest.raises(UseCaseError, match=r"ready_by: found 06:00, but nobody is notified .* on: \[late\]"):
        make_use_case(ready_by="06:00", timezone="UTC", notify=notify)


def test_a_time_without_a_time_zone_is_refused(tmp_path: Path) -> None:
    keys = "ready_by: '06:00'\nnotify: [{on: [late], slack: {conn_id: a}}]\n"
    sample = (USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8")
    path = tmp_path / "aws_docs_qa.yaml"
    path.write_text(sample + keys, encoding="utf-8")
    with pytest.raises(UseCaseError) as refused:
        load_use_case(path, VARIABLES)
    assert "ready_by: found 06:00, but no time zone; expected also the key timezone" in str(refused.value)
    assert "such as timezone: Europe/Berlin" in str(refused.value)
    assert "aws_docs_qa.yaml" in str(refused.value)


@pytest.mark.parametrize(
    "value", ["6:00", "24:00", "23:60", "06:00:00", "6am", "06:00\n", "\u06606:00", "", 360, 6.0, True]
)
def test_what_is_no_time_of_day_is_refused(value: object) -> None:
    with pytest.raises(UseCaseError) as refused:
        make_use_case(ready_by=value, notify=LATE)
    assert "ready_by: found " in str(refused.value)
    assert "expected a time of day from 00:00 to 23:59 in quotation marks, such as '06:00'" in str(refused.value)


@pytest.mark.parametrize("written", ['"06:00"', "06:00"])
def test_a_time_of_day_may_lack_quotation_marks(tmp_path: Path, written: str) -> None:
    """YAML 1.1 would read 06:00 as 360."""
    keys = f"timezone: UTC\nready_by: {written}\nnotify: [{{on: [late], slack: {{conn_id: a}}}}]\n"
    sample = (USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8")
    path = tmp_path / "aws_docs_qa.yaml"
    path.write_text(sample + keys, encoding="utf-8")
    assert load_use_case(path, VARIABLES).ready_by == "06:00"


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT-2", "UTC"])
def test_a_time_zone_is_accepted(name: str) -> None:
    assert make_use_case(timezone=name).timezone == name


@pytest.mark.parametrize(
    "name",
    [
        *("Mars/Base", "Europe", "", "../etc/passwd", "x" * 5_000, "Berlin", "CEST", "+02:00", "europe/berlin"),
        *("localtime", "Factory", "posix/Europe/Berlin", "right/Europe/Berlin"),
        *(2, None),
    ],
)
def test_an_unknown_time_zone_is_refused(name: object) -> None:
    with pytest.raises(UseCaseError, match=r"timezone: found .*, expected a name of the IANA time zone database"):
        make_use_case(timezone=name)
