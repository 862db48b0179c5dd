from __future__ import annotations

import pytest

from include.distill.config.schedule import check_schedule


@pytest.mark.parametrize("schedule", [None, "@daily", "0 2 * * *", "*/5 0-6 1,15 * 1-5", "0 0 29 2 *", "0 0 1 1 * 0 *"])
def test_a_schedule_that_recurs_is_accepted(schedule: str | None) -> None:
    check_schedule(schedule)


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("every night", "is not a cron expression"),
        ("61 * * * *", "is not a cron expression"),
        ("0 0 31 2 *", "no past or no future time"),
        ("R R * * *", "contains R or H"),
        ("0 0 1 1 * 0 2020-2099", "names years"),
    ],
)
def test_a_schedule_whose_times_airflow_cannot_compute_is_refused(schedule: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_schedule(schedule)
