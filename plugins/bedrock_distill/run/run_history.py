"""Read the history of a task's use case, and replace the record of the task's run in it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING

from bedrock_distill.run.access import RunAccess
from bedrock_distill.run.metrics import emit, use_case_name
from include.distill.core.errors import NotFoundError
from include.distill.history.months import read_history, update_run
from include.distill.history.records import HistoryEntry
from include.distill.report.run_metrics import entry_samples

if TYPE_CHECKING:
    from airflow.sdk import Context

Change = Callable[[HistoryEntry], HistoryEntry]


def record_run(task: RunAccess, context: Context, change: Change) -> HistoryEntry | None:
    """
    Replace the record of a task's run in the history of its use case, send its metrics, and return the new record.

    A dry run has no record. An error does not fail the task, because the task's own work is done or paid for. The log
    has a warning instead, and the function returns ``None``.

    :param change: returns the new record from the stored one, or from :func:`first_record` if nothing is stored. It may
        be called again if another run has written the history in the meantime.
    """
    if context["params"].get("dry_run"):
        return None
    try:
        entry = replace_record(task, context, change)
    except Exception as error:  # any error: the history is less important than the task
        task.log.warning(
            "The history of the use case lacks the newest figures of this run (%s: %s). Clear this task to write them."
            " Nothing else is affected.",
            *(type(error).__name__, error),
        )
        return None
    emit(entry_samples(entry))
    return entry


def replace_record(task: RunAccess, context: Context, change: Change) -> HistoryEntry:
    """
    Replace the record of a task's run like :func:`record_run`, but let errors fail the task.

    :raises ServiceError: the history cannot be read or written.
    """
    # Airflow changes the start date of a run when a task of the run is cleared, but not `run_after`.
    started = context["dag_run"].run_after
    return update_run(
        task.store,
        task.folder.root,
        use_case_name(task),
        task.folder.run_key,
        started,
        lambda stored: change(stored or first_record(task, context)),
    )


def history_of(task: RunAccess, since: datetime.datetime | None = None) -> list[HistoryEntry]:
    """
    Return the runs of a task's use case, oldest first. The task's own run is one of them, if it has a record.

    :param since: leave out the runs that were due to start before this time.
    """
    return read_history(task.store, task.folder.root, use_case_name(task), since=since)


def first_record(task: RunAccess, context: Context) -> HistoryEntry:
    """Return the record of a task's run before anything is known about its costs and results."""
    run_type = getattr(context["dag_run"], "run_type", None)
    return {
        "run_key": task.folder.run_key,
        "use_case": use_case_name(task),
        "dag_id": context["ti"].dag_id,
        "run_id": context["ti"].run_id,
        "owner": _owner(task),
        "started_at": context["dag_run"].run_after.astimezone(datetime.UTC).isoformat(),
        "ended_at": None,
        "state": "running",
        # Annotated as str, but it may be an enum whose str() is "DagRunType.SCHEDULED".
        "scheduled": getattr(run_type, "value", run_type) == "scheduled",
        "estimated_usd": None,
        "spent_usd": None,
        "spent_by_kind": {},
    }


def _owner(task: RunAccess) -> str:
    """Return the use case's owner. If the run failed before it froze its use case, that is the owner of its tasks."""
    try:
        return task.use_case.owner
    except NotFoundError:
        return str(getattr(task, "owner", ""))
