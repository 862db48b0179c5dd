"""The last task: red when anything is red."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator

from include.distill.errors import IncompleteRunError

if TYPE_CHECKING:
    from airflow.sdk import Context


class RunOutcomeOperator(BaseOperator):
    """
    Fail the run when any of its tasks failed.

    As the last teardown it decides the run's colour. Without it, "mark run as failed" would end green while teardowns
    are pending. Free; a clear looks again.

    :raises IncompleteRunError: names the failed tasks.
    """

    ui_color = "#fef7e0"

    def execute(self, context: Context) -> None:
        """Look at the states of all tasks of this run."""
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        failed = sorted(task for task, state in states.items() if state == "failed")
        held_up = sum(state == "upstream_failed" for state in states.values())
        if failed or held_up:
            message = (
                f"The run is incomplete: {', '.join(failed) or 'no task'} failed, {held_up} could not start. The error"
                " of the failed task says what to do."
            )
            raise IncompleteRunError(message)
