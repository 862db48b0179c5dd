"""
Close the records of earlier runs that have ended without recording their end.

A record stays ``running`` if the last task of its run never recorded the end: because Airflow's database was lost,
because a person deleted the run, or because a person cleared ``estimate`` without the tasks after it. Such a run would
reserve its estimate until the end of the month. So each ``estimate`` asks Airflow how those runs ended, and makes their
bills from what they have stored and bought.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from bedrock_distill.lifecycle.run_task import RunTask
from bedrock_distill.operators.spent import spent, spent_sentence
from bedrock_distill.run.run_history import history_of
from bedrock_distill.run.state import state_of_run
from include.distill.cleanup.expiry import LIVE_STATES
from include.distill.config.layout import RunFolder, run_uri
from include.distill.cost.month_budget import month_start
from include.distill.history.months import update_run
from include.distill.report.history_entry import with_bill

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.run.access import RunAccess
    from include.distill.history.records import HistoryEntry, RunState

_ENDED: dict[str | None, RunState] = {"success": "succeeded", "failed": "failed", None: "lost"}


class _EndedRun(RunTask):
    """The access of a task to the folder of another run of its use case."""

    def __init__(self, task: RunAccess, folder: RunFolder) -> None:
        self.run_uri = folder.uri
        self.store = task.store
        self.hook = task.hook


def close_lost_runs(task: RunAccess, context: Context) -> None:
    """
    Write the end and the bill of each run of this month and the last that is recorded as running, but has ended.

    Any error leaves the record as it is, for the next run, and the log has a warning. A run keeps the larger of its
    recorded bill and the new one.
    """
    started: datetime.datetime = context["dag_run"].run_after
    try:
        runs = history_of(task, since=month_start(month_start(started) - datetime.timedelta(days=1)))
    except Exception as error:  # any error: `estimate` reads the history again if a budget applies
        task.log.warning("The earlier runs that ended without a record cannot be looked for: %s", error)
        return
    for run in runs:
        if run["state"] == "running" and run["run_key"] != task.folder.run_key:
            try:
                _close(task, run, context)
            except Exception as error:  # any error: an earlier run must not stop this one
                task.log.warning("How run %s ended, or what it has spent, cannot be read: %s", run["run_id"], error)


def _close(task: RunAccess, run: HistoryEntry, context: Context) -> None:
    state = state_of_run(run["dag_id"], run["run_id"], context)
    if state in LIVE_STATES:
        return
    folder = RunFolder(run_uri(task.folder.root, run["use_case"], run["run_key"]))
    ended = _EndedRun(task, folder)
    arms = ended.use_case.arms if task.store.exists(folder.use_case) else ()
    bill = spent(ended, [], {arm.name: None for arm in arms})
    lines = [line.as_record() for line in bill.lines]
    task.log.warning(
        "Run %s of %s has ended, but did not record its end. %s %s",
        *(run["run_id"], run["dag_id"]),
        "Airflow has no record of it." if state is None else f"Airflow's state of the run is {state}.",
        spent_sentence(bill),
    )
    closed = with_bill({**run, "state": _ENDED[state]}, lines)  # without ended_at: it is not known when the run ended
    update_run(
        task.store,
        task.folder.root,
        run["use_case"],
        run["run_key"],
        datetime.datetime.fromisoformat(run["started_at"]),
        lambda stored: closed if stored is None or stored == run else stored,
    )
