"""
Find out whether another run of the same DAG waits for a job, so that nobody stops the job under that run.

Runs of a use case with the same data share their training jobs, evaluation jobs and batch jobs. A backfill has a limit
of active runs of its own, so its runs and a scheduled run can take place at the same time in spite of
``max_active_runs: 1``. If a person marks a task of one of them as failed, the other one still needs the job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bedrock_distill.run.task_ids import SUBMIT, sibling_task

_ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")

States = Mapping[str, Mapping[str, str | None]]


def awaited_jobs(wait: str, own_run: str, states: States, result_of: Callable[[str, str], Any]) -> dict[str, str]:
    """
    Return the jobs for which other runs wait: the id of the run by the name of the job and by its ARN.

    :param wait: id of the task that waits for the job. A task ``submit`` in the same group submits the job.
    :param own_run: id of the run whose task was marked.
    :param states: the states of both tasks in all runs of the DAG, by the id of the run.
    :param result_of: returns the result of a task in a run; ``None`` if it has none.
    """
    submit, found = sibling_task(wait, SUBMIT), dict[str, str]()
    for run, of in states.items():
        if run == own_run or of.get(submit) != "success" or of.get(wait) in _ENDED:
            continue
        result = result_of(submit, run) or {}
        named = (result.get("job_name"), result.get("job_arn"), *(result.get("job_arns") or ()))
        found |= {name: run for name in named if name}
    return found


def asked_of(wait: str, ti: Any) -> dict[str, str]:
    """
    Ask Airflow for the jobs for which other runs wait, as :func:`awaited_jobs` returns them.

    :param ti: the task instance that asks.
    :raises AirflowRuntimeError: Airflow could not be asked.
    """
    states = ti.get_task_states(dag_id=ti.dag_id, task_ids=[sibling_task(wait, SUBMIT), wait])
    return awaited_jobs(wait, ti.run_id, states, lambda task, run: ti.xcom_pull(task_ids=task, run_id=run))


def not_stopped(job: str, run: str) -> str:
    """Say that a job goes on.

    :param job: the job, as the start of a sentence.
    """
    return f"{job} is not stopped, although its task was marked as failed, because the run {run} waits for it."
