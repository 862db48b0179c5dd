"""
Name the runs of a schedule as Airflow 3.3.2 names them.

A person triggers the first run. The next runs are scheduled: Airflow starts one each day. A backfill has a run for an
earlier day. Airflow counts the active runs of a backfill apart from those of the DAG (``_start_queued_dagruns`` in
``scheduler_job_runner.py``), so ``max_active_runs: 1`` does not keep a backfill and a scheduled run from running at the
same time.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.simulate.clock import START
from tools.simulate.parts import DISTILL, EARLIER_RUN, Part

DAY = 86_400.0


@dataclass(frozen=True)
class PlannedRun:
    """
    The identity of a run.

    :ivar run_type: the value of Airflow's ``DagRunType``.
    :ivar logical_date: in POSIX seconds; ``None`` for a run that a person has triggered. With a cron expression,
        Airflow's default timetable gives a run an empty data interval at this date.
    :ivar configuration: what the person who triggered the run has entered.
    """

    run_id: str
    run_type: str = "manual"
    logical_date: float | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict, hash=False)


def planned(number: int) -> PlannedRun:
    """Return the identity of a run of a schedule. The first run has the number 1."""
    if number < 2:
        return PlannedRun(f"manual__simulated-{number}")
    return _dated("scheduled", START + (number - 1) * DAY)


def planned_of(part: Part, number: int) -> PlannedRun:
    """
    Return the identity of a run of a part.

    People trigger the runs of all other DAGs, and the earlier runs that the schedules find.
    """
    if part.dag == DISTILL and number < EARLIER_RUN:
        return planned(number)
    return PlannedRun(f"manual__simulated-{number}", configuration=part.configuration(number))


def backfilled(number: int) -> PlannedRun:
    """Return the identity of a run of a backfill. All of them are for days before the first run."""
    return _dated("backfill", START - number * DAY)


def _dated(run_type: str, moment: float) -> PlannedRun:
    date = datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat()
    return PlannedRun(f"{run_type}__{date}", run_type, moment)
