"""The last task: red when anything is red."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator

from include.distill.errors import IncompleteRunError

if TYPE_CHECKING:
    from airflow.sdk import Context


class RunOutcomeOperator(BaseOperator):
    """
    Fail the run when any of its tasks failed, or was skipped in a run that was no dry run.

    As the last teardown it decides the run's colour. Without it, "mark run as failed" would end green while teardowns
    are pending: it fails the tasks under way, and when none is, only skips those to come. Free; a clear looks again.

    :raises IncompleteRunError: names the failed tasks.
    """

    ui_color = "#fef7e0"

    def execute(self, context: Context) -> None:
        """Look at the states of all tasks of this run."""
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        failed = sorted(task for task, state in states.items() if state == "failed")
        held_up = sum(state == "upstream_failed" for state in states.values())
        skipped = 0 if context["params"].get("dry_run") else sum(state == "skipped" for state in states.values())
        if failed or held_up or skipped:
            message = (
                f"The run is incomplete: {', '.join(failed) or 'no task'} failed, {held_up} could not start, {skipped}"
                " were skipped. The error of the failed task says what to do; where none failed, the run was marked by"
                " hand: clear what was skipped to go on."
            )
            raise IncompleteRunError(message)
