"""Wait for batch jobs in the triggerer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from bedrock_distill.hooks.batch_jobs import BatchJob, BatchJobs
from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.triggers.polling import PollingTrigger


class BatchJobsTrigger(PollingTrigger):
    """
    Wait until all the batch jobs have ended.

    :param job_arns: ARNs of the jobs.
    :param name: a description of all jobs, for messages.
    """

    def __init__(self, *, job_arns: list[str], **common: Any) -> None:
        super().__init__(**common)
        self.job_arns = job_arns

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's import path and the arguments that the triggerer needs to re-create the trigger."""
        _, arguments = super().serialize()
        path = f"{__name__}.{type(self).__name__}"
        return path, {**arguments, "job_arns": self.job_arns}

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Return whether all jobs have ended."""
        running = running_jobs(hook, self.job_arns)
        self.checks.status = describe_jobs(running, len(self.job_arns))
        return not running

    def cost_so_far(self, seconds: float) -> str:
        """Return how the jobs are billed. The amount is not known."""
        return "each answered record, at half the on-demand price"

    def jobs_of_run(self) -> Collection[str]:
        """Return the jobs."""
        return self.job_arns

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Stop the running jobs, except those for which another run waits."""
        for job in running_jobs(hook, [arn for arn in self.job_arns if arn not in self.awaited]):
            BatchJobs(hook).stop(job.arn)
            self.log.warning(
                "Stopped %s because its task was marked as failed. The job answered %d of %d records. The answered"
                " records are billed. Clear the step's task `submit` with downstream to store their answers and submit"
                " the other records.",
                *(job.name, job.processed, job.total),
            )


def running_jobs(hook: BedrockDistillHook, job_arns: list[str]) -> list[BatchJob]:
    """Look up all jobs, and return the running ones."""
    jobs = (BatchJobs(hook).get(arn) for arn in job_arns)
    return [job for job in jobs if job.progress is Progress.RUNNING]


def describe_jobs(running: Sequence[BatchJob], jobs: int) -> str:
    """Return a sentence about the jobs that are running.

    :param jobs: number of all jobs, including those that have ended.
    """
    states = ", ".join(f"{job.name} is {job.status} ({job.processed} of {job.total} records)" for job in running)
    return f"{jobs - len(running)} of {jobs} batch jobs have ended{'; ' if states else ''}{states}"
