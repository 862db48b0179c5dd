"""
Batch jobs of a step that a person gave up: nobody waits for them any more, so they are stopped.

As with training jobs (:mod:`bedrock_distill.lifecycle.abandoned_jobs`), the trigger of the waiting task does it within
seconds when a triggerer has the task in hand, and ``outcome`` looks again at the end of the run. What a stopped job
answered is stored by the next submit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bedrock_distill.hooks.batch_jobs import BatchJobs
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, IN_PROGRESS
from bedrock_distill.run.task_ids import SUBMIT, WAIT, batch_task, steps_in_batches
from include.distill.batch.pending_jobs import PendingBatchJobs
from include.distill.core.errors import ServiceError


def abandoned_steps(states: Mapping[str, Any], ti: Any) -> Iterator[str]:
    """
    Yield each step whose batch jobs were under way when a person gave them up.

    :param states: of all tasks of the run.
    """
    for step in steps_in_batches(states):
        submit, wait = batch_task(step, SUBMIT), batch_task(step, WAIT)
        if "failed" in (states.get(submit), states[wait]):
            marked = submit if states.get(submit) == "failed" else wait
            given_up = ti.xcom_pull(task_ids=marked, key=ATTEMPT_KEY) == IN_PROGRESS
        else:
            given_up = (states.get(submit), states[wait]) == ("success", "skipped")
        if given_up:
            yield step


def stop_batches(jobs: BatchJobs, pending: PendingBatchJobs, step: str) -> Iterator[str]:
    """Stop what this run bought for a step and still runs, and say so; one that cannot be stopped keeps no other."""
    for plan in pending.all():
        if (plan.run_key, plan.step) != (pending.folder.run_key, step):
            continue
        try:
            job = jobs.find(plan.name)
            if job is None or job.progress is not Progress.RUNNING:
                continue
            jobs.stop(job.arn)
            yield (
                f"Stopped {job.name} because its task was marked failed. The {job.processed} of {plan.records} records"
                f" that it has answered are billed; clear {batch_task(step, SUBMIT)} with downstream to store them and"
                " to ask for the rest."
            )
        except ServiceError as error:
            yield f"{plan.name} may run on, billed, for it could not be stopped: {error}"
