"""
Compute until when a scheduled run has to end, from ``ready_by`` and ``timezone`` of the use case.

``ready_by`` is a time of day on the clocks of the time zone. So the number of hours between the start of a run and
``ready_by`` changes on the days on which daylight saving time begins or ends.
"""

from __future__ import annotations

import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter
from pydantic import AfterValidator, Field

from include.distill.core.shown_values import shown

UTC_NAME = "UTC"
_MINUTE, _HOUR, _SECOND = 0, 1, 5  # indices of the fields of a cron expression


# Files in time zone databases that are no time zones of the world: the zone of the machine, which may differ between
# the components of Airflow, a zone that nobody has set yet, and copies whose clocks also count leap seconds.
_NO_ZONES = ("localtime", "Factory", "posixrules", "posix/", "right/")


def _check_time_zone(name: str) -> str:
    try:
        is_zone = not name.startswith(_NO_ZONES) and bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder, or a name that is too long
        is_zone = False
    if not is_zone:
        message = f"found {shown(name)}, expected a name of the IANA time zone database, such as Europe/Berlin or UTC"
        raise ValueError(message)
    return name


TimeZoneName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+/-]+$"), AfterValidator(_check_time_zone)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


def deadline_after(run_after: datetime.datetime, ready_by: str, timezone: str) -> datetime.datetime:
    """
    Return the first moment after ``run_after`` at which the clocks of the time zone show ``ready_by``, in UTC.

    If the clocks skip ``ready_by`` on this day, the deadline is as long after the change as ``ready_by`` is after the
    time from which the clocks were set forward. If they show ``ready_by`` twice, the first time after ``run_after``
    counts. Airflow starts a run at 02:00 when the clocks show this for the second time.
    """
    zone = ZoneInfo(timezone)
    time = datetime.time.fromisoformat(ready_by)
    day = run_after.astimezone(zone).date()
    days = (day, day + datetime.timedelta(days=1))
    moments = [moment for one in days for moment in _moments(datetime.datetime.combine(one, time, zone))]
    return next(moment for moment in moments if moment > run_after)


def _moments(local: datetime.datetime) -> tuple[datetime.datetime, datetime.datetime]:
    """Return the first and the last moment at which clocks show a local time, in UTC. Usually they are equal."""
    first, last = (local.replace(fold=fold).astimezone(datetime.UTC) for fold in (0, 1))
    return first, max(first, last)  # if the clocks skip the time, the moment with fold=1 is before the change


def ready_by_problem(ready_by: str, schedule: str | None) -> str | None:
    """Return why runs with a schedule cannot have a time at which they are ready; ``None`` if they can."""
    if schedule is None:
        return (
            f"found {ready_by}, but the use case has no schedule; expected a schedule such as"
            ' "0 2 * * *", or no ready_by'
        )
    start = _time_of_day(schedule)
    if start is None:
        return (
            f"found {ready_by}, but the schedule {shown(schedule)} has no fixed time of day; expected a schedule with"
            ' one minute and one hour, such as "0 2 * * *", or no ready_by'
        )
    if start == ready_by:
        return f"found {ready_by}, at which the runs start; expected a later time of day"
    return None


def _time_of_day(schedule: str) -> str | None:
    """Return the time of day of a valid schedule, such as ``02:00``; ``None`` if it has none or several."""
    try:
        fields = croniter(schedule).expanded
    except CroniterError:  # ``@once`` and ``@continuous``, which are not cron expressions
        return None
    clock = [fields[index] for index in (_MINUTE, _HOUR, _SECOND) if index < len(fields)]
    if any(len(values) != 1 or not isinstance(values[0], int) for values in clock):
        return None
    return f"{fields[_HOUR][0]:02}:{fields[_MINUTE][0]:02}"
