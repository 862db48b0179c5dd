"""
Say which task to clear after a task failed.

Only this module decides which task to clear. The errors of tasks, the task ``outcome`` and the tests of the runbook use
it. If the cause of an error is in an earlier task, the error itself names that task.
"""

from __future__ import annotations

from collections.abc import Collection

from bedrock_distill.run.task_ids import ANSWER, ON_DEMAND, OUTCOME, PROVISIONED, SMOKE, SWITCH, SWITCHED, sibling_task

WITH_DOWNSTREAM = "with downstream"
# No task comes after these tasks.
_LAST = (OUTCOME, "collect_labels", "delete_leftovers")


def task_to_clear(task_id: str, *, tasks: Collection[str] = (), price: str | None = None) -> str:
    """
    Return what a person must clear so that a failed task runs again, such as ``tuned.submit with downstream``.

    The tasks after a failed task did not run, and run only if they are cleared too.

    :param task_id: the task that failed.
    :param tasks: ids of all tasks of the run.
    :param price: price of an endpoint of the arm, such as ``" at $24.00 per hour"``; ``None`` if it is not known.
    """
    name = task_id.rpartition(".")[2]
    if task_id in _LAST:
        return task_id
    if task_id in (SWITCHED, SMOKE):  # by then, `settle` has put the recorded champion behind the endpoint again
        return f"{SWITCH} {WITH_DOWNSTREAM}"
    for serving, buys, usual_price in ((PROVISIONED, "buys", " by the hour"), (ON_DEMAND, "creates", "")):
        create = sibling_task(task_id, serving.create)
        if name == serving.ready:  # by then, the endpoint has been deleted
            return f"{create} {WITH_DOWNSTREAM}"
        if name == ANSWER and create in tasks:  # Airflow clears the setups of a task together with the task
            return (
                f"{task_id} {WITH_DOWNSTREAM} (Airflow then also runs {create} again, which {buys} a new endpoint for"
                f" the missing answers{usual_price if price is None else price})"
            )
    return f"{task_id} {WITH_DOWNSTREAM}"
