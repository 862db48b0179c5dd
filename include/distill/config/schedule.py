"""Check the schedule of a use case."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from croniter import CroniterBadDateError, CroniterError, croniter

# Airflow's names for common schedules.
_PRESETS = frozenset({"@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly"})
_YEARS = 6  # index of the optional field for years in a cron expression
_RANDOM_OR_HASHED = re.compile(r"(?:^|[\s,])[rh](?:$|[\s,/(])", re.IGNORECASE)  # croniter's extensions R and H


def check_schedule(schedule: str | None) -> None:
    """
    Check that Airflow can compute all times of a schedule.

    :param schedule: a cron expression in UTC, a preset such as ``@daily``, or ``None`` for no schedule.
    :raises ValueError: the schedule is not valid, ends at some time (for example, because it names years), or has
        times that are not fixed.
    """
    # Airflow would also refuse an invalid schedule, but would then load no DAG of any use case. Airflow computes
    # the previous and the next time of a schedule whenever it stores the DAGs.
    if schedule is None or schedule in _PRESETS:
        return
    try:
        times = croniter(schedule, datetime.now(UTC))
        times.get_prev()
        times.get_next()
        if _RANDOM_OR_HASHED.search(schedule):
            message = f"{schedule!r} contains R or H, so its times are not fixed; expected fixed times, without R and H"
            raise ValueError(message)
        if times.expanded[_YEARS:] not in ([], [["*"]]):
            # After the last run, Airflow's scheduler would fail for all DAGs while it computes the next time.
            message = f"{schedule!r} names years, so it ends at some time; expected a schedule that never ends"
            raise ValueError(message)
    except CroniterBadDateError as error:
        message = f"{schedule!r} has no past or no future time, so it does not recur; expected a schedule that recurs"
        raise ValueError(message) from error
    except CroniterError as error:
        message = f'{schedule!r} is not a cron expression ({error}); expected one such as "0 2 * * *", or null'
        raise ValueError(message) from error
