"""Check that `outcome` starts after all other tasks of the run have ended, whichever task fails."""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import Any

import pytest

from dags.distill import distill_dag
from tests.plugins.task_groups.conftest import BASE, CHAMPION, PLAIN, TUNED, sample

EVERYTHING: dict[str, Any] = {
    "synthesis": {"inference": "batch"},
    "judging": {"inference": "batch"},
    "promotion": {"ask_a_person": True, "delete_losers": True, "serve": "on_demand"},
    "arms": [BASE, PLAIN, TUNED, CHAMPION],
}
SUCCESS, FAILED, UPSTREAM_FAILED, NOT_DONE = "success", "failed", "upstream_failed", "not done"


def states(dag: Any, failed: str, slow: str) -> dict[str, str]:
    """
    Return the states of all tasks while the task ``slow`` runs and after the task ``failed`` has failed.

    If both are the same mapped task, one of its instances has failed and another one still runs.
    """
    result: dict[str, str] = {}
    # Airflow 3.2 sorts task groups as a whole, so the order of its own method is not the order of the edges.
    for task_id in TopologicalSorter({task.task_id: task.upstream_task_ids for task in dag.tasks}).static_order():
        task = dag.get_task(task_id)
        above = [result[task_id] for task_id in task.upstream_task_ids]
        state = _state(task, above, [result[up] for up in task.upstream_task_ids if dag.get_task(up).is_setup])
        if state == SUCCESS and task.task_id in (failed, slow):
            state = FAILED if task.task_id == failed else NOT_DONE
        result[task.task_id] = state
    return result


def _state(task: Any, above: list[str], setups: list[str]) -> str:
    """Apply the trigger rule of a task, as Airflow does. A task that may start is as good as successful."""
    waits_for_all = task.is_teardown or task.trigger_rule == "all_done"
    if not waits_for_all and {FAILED, UPSTREAM_FAILED} & set(above):
        return UPSTREAM_FAILED
    if NOT_DONE in above:
        return NOT_DONE
    return UPSTREAM_FAILED if task.is_teardown and setups and SUCCESS not in setups else SUCCESS


def outcome_starts_too_early(dag: Any, failed: str, slow: str) -> bool:
    found = states(dag, failed, slow)
    if failed == slow:  # one instance runs, and the tasks below see a failure
        return "outcome" not in dag.get_task(slow).downstream_task_ids and not _release_waits(dag, slow)
    return found[slow] == NOT_DONE and found["outcome"] != NOT_DONE


def _release_waits(dag: Any, task_id: str) -> bool:
    """Return whether a teardown waits for all instances of the task, and `outcome` waits for the teardown."""
    below = [dag.get_task(name) for name in dag.get_task(task_id).downstream_task_ids]
    return any(task.is_teardown and "outcome" in task.downstream_task_ids for task in below)


@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["sample", "everything"])
def test_outcome_waits_for_every_task_whichever_other_task_fails(changes: dict[str, Any]) -> None:
    dag = distill_dag(sample(**changes))
    ids = [task.task_id for task in dag.tasks if task.task_id != "outcome"]
    mapped = [task.task_id for task in dag.tasks if task.is_mapped]
    working = [name for name in ids if dag.get_task(name).task_type != "EmptyOperator"]  # the others take no time
    pairs = [(failed, slow) for failed in working for slow in working if failed != slow]
    pairs += [(name, name) for name in mapped]
    assert [pair for pair in pairs if outcome_starts_too_early(dag, *pair)] == []


def test_the_check_finds_a_task_for_which_outcome_does_not_wait() -> None:
    dag = distill_dag(sample())
    judge = next(task for task in dag.tasks if task.task_id.startswith("judge."))
    other = next(task for task in dag.tasks if task.task_id.startswith("judge.") and task is not judge)
    outcome = dag.get_task("outcome")
    assert not outcome_starts_too_early(dag, judge.task_id, other.task_id)
    for task in (judge, other):
        task.downstream_task_ids.discard("outcome")
        outcome.upstream_task_ids.discard(task.task_id)
    assert outcome_starts_too_early(dag, judge.task_id, other.task_id)
    assert outcome_starts_too_early(dag, judge.task_id, judge.task_id)
