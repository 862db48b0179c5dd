"""
Stop an evaluation job after a person marked its task as failed. No task waits for the job any more.

Training jobs are stopped in the same way (:mod:`bedrock_distill.lifecycle.abandoned_jobs`): the trigger of the waiting
task stops the job within seconds, and ``outcome`` checks again at the end of the run.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobs
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, IN_PROGRESS
from bedrock_distill.run.heartbeat import format_duration
from bedrock_distill.run.task_ids import SUBMIT, WAIT, evaluation_groups
from include.distill.cost.amounts import usd_text


def abandoned_evaluations(states: Mapping[str, str | None], ti: Any) -> Iterator[tuple[str, str]]:
    """
    Yield each group of tasks for an evaluation job that no task waits for any more, with the task that was marked.

    This happens if a person marks the group's task ``submit`` or ``wait``, or the whole run, as failed.

    :param states: state by task id, for all tasks of the run.
    :param ti: the task instance that runs this check.
    """
    for group in evaluation_groups(states):
        submit, wait = f"{group}.{SUBMIT}", f"{group}.{WAIT}"
        if "failed" in (states.get(submit), states[wait]):
            marked = submit if states.get(submit) == "failed" else wait
            was_marked = ti.xcom_pull(task_ids=marked, key=ATTEMPT_KEY) == IN_PROGRESS
        else:
            marked = wait
            was_marked = (states.get(submit), states[wait]) == ("success", "skipped")
        if was_marked:
            yield group, marked


def stop_evaluation(jobs: EvaluationJobs, arn: str, *, at_most_usd: float | None) -> str | None:
    """
    Stop an evaluation job and return a message about its cost; ``None`` if the job is not running.

    :param arn: ARN of a job of this run. The caller has checked that the job belongs to the run.
    :param at_most_usd: cost of the complete job, in US dollars; ``None`` if it is unknown.
    :raises ServiceError: the job could not be looked up or stopped, and may be running.
    """
    job = jobs.get(arn)
    if job is None or job.progress is not Progress.RUNNING:
        return None
    jobs.stop(job.arn)
    return (
        f"Stopped evaluation job {job.name} because its task was marked as failed. The job was created"
        f" {_age(job)} ago. Its scores so far are billed{evaluation_cost(at_most_usd)}. To buy the next attempt, clear"
        f" the task `{SUBMIT}` of the job with downstream."
    )


def describe_evaluation(job: EvaluationJob) -> str:
    """Return the status and the age of a job, as a sentence without a full stop."""
    return f"Evaluation job {job.name} is {job.status}, {_age(job)} after its creation"


def evaluation_cost(at_most_usd: float | None) -> str:
    """Return what a whole job costs, as the end of a sentence; empty if it is not known."""
    return f", at most about {usd_text(at_most_usd)} in all" if at_most_usd is not None else ""


def _age(job: EvaluationJob) -> str:
    # AWS's clock may be ahead of this machine's.
    return format_duration(max(0.0, (datetime.datetime.now(datetime.UTC) - job.created).total_seconds()))
