"""
Stop a step's batch jobs after a person marked their task as failed. No task waits for their answers any more.

Training jobs are stopped in the same way (:mod:`bedrock_distill.lifecycle.abandoned_jobs`): the trigger of the waiting
task stops the jobs within seconds, and ``outcome`` checks again at the end of the run. The next ``submit`` stores the
answers of the stopped batch jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from bedrock_distill.hooks.batch_jobs import BatchJobs
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.abandoned_jobs import StopResult, marked_task
from bedrock_distill.lifecycle.other_runs import not_stopped
from bedrock_distill.lifecycle.ownership import is_job_of
from bedrock_distill.run.task_ids import SUBMIT, WAIT, batch_task, steps_in_batches
from include.distill.batch.pending_jobs import PendingBatchJobs
from include.distill.core.by_hand import ByHand
from include.distill.core.errors import ServiceError


def abandoned_steps(states: Mapping[str, str | None], ti: Any) -> Iterator[tuple[str, str]]:
    """
    Yield each step with batch jobs that no task waits for any more, with the task that was marked.

    This happens if a person marks the step's task ``submit`` or ``wait``, or the whole run, as failed.

    :param states: state by task id, for all tasks of the run.
    :param ti: the task instance that runs this check.
    """
    for step in steps_in_batches(states):
        if marked := marked_task(states, ti, batch_task(step, SUBMIT), batch_task(step, WAIT)):
            yield step, marked


def stop_batches(
    jobs: BatchJobs,
    pending: PendingBatchJobs,
    step: str,
    *,
    region: str | None = None,
    awaited: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[StopResult]:
    """
    Stop the running jobs that this run bought for a step; yield a result for each of these jobs.

    :param region: the Region of the jobs, for messages.
    :param awaited: the jobs for which other runs wait, from :mod:`bedrock_distill.lifecycle.other_runs`.
    """
    for plan in pending.all():
        if (plan.run_key, plan.step) != (pending.folder.run_key, step):
            continue
        name = plan.name
        try:
            job = jobs.find(plan.name)
            if job is None or job.progress is not Progress.RUNNING or not is_job_of(plan, job):
                continue
            name = job.arn
            if job.arn in awaited:
                yield StopResult(not_stopped(f"Batch job {job.name}", awaited[job.arn]))
                continue
            jobs.stop(job.arn)
            yield StopResult(
                f"Stopped {job.name} because its task was marked as failed. The job answered {job.processed} of"
                f" {plan.records} records. The answered records are billed. Clear {batch_task(step, SUBMIT)} with"
                " downstream to store their answers and to submit the other records."
            )
        except ServiceError as error:
            yield StopResult.failed(f"Batch job {plan.name}", ByHand.BATCH_JOB, name, region, error)
