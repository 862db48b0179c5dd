"""
Find out whether this process is an old copy of its task, which Airflow no longer knows.

If the machine of a task is paused, Airflow takes the task for dead, and starts it again or ends its run. When the
machine goes on, the old copy also goes on, until its next heartbeat. Before a purchase that only a later task of the
run ends, an old copy must ask Airflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from include.distill.core.errors import EndedAttemptError

if TYPE_CHECKING:
    from airflow.sdk import Context

RUNNING = "running"


def is_old_copy(context: Context) -> bool:
    """
    Return whether Airflow says that the task of this process does not run.

    If a new copy of the task runs at this moment, the answer is false. Both copies then use the same names, so they
    buy only once.

    :raises AirflowRuntimeError: Airflow could not be asked.
    """
    ti = context["ti"]
    states: Mapping[str, Mapping[str, str | None]] = ti.get_task_states(
        dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id]
    )
    return states.get(ti.run_id, {}).get(ti.task_id) != RUNNING


def require_running(context: Context, did_not: str, *, left: str, if_still: str) -> None:
    """
    Stop an old copy before it buys or changes something.

    :param did_not: what this process did not do, as in "so this process did not buy the job".
    :param left: the state that is left, as a sentence.
    :param if_still: when a person must clear the task, as in "this run still needs the job".
    :raises EndedAttemptError: Airflow no longer runs this task.
    :raises AirflowRuntimeError: Airflow could not be asked.
    """
    if is_old_copy(context):
        task_id = context["ti"].task_id
        raise EndedAttemptError(
            f"Airflow no longer runs this attempt of {task_id}, so this process did not {did_not}.",
            left=left,
            billed="Nothing was bought by this attempt.",
            to_do=f"Do nothing if {task_id} runs again in the UI or has ended as you expect. If {if_still}, clear"
            f" {task_id} with downstream.",
        )
