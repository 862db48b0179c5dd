"""Waiting for batch jobs outside a worker."""

from __future__ import annotations

from typing import Any

from bedrock_distill.hooks.batch_jobs import BatchJob, BatchJobs
from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.triggers.polling import PollingTrigger


class BatchJobsTrigger(PollingTrigger):
    """
    Wait for all of some batch jobs to end.

    :param job_arns: the jobs; ``name`` is what they are called together, for messages.
    """

    def __init__(self, *, job_arns: list[str], **common: Any) -> None:
        super().__init__(**common)
        self.job_arns = job_arns

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the importable path and the arguments."""
        _, arguments = super().serialize()
        path = f"{__name__}.{type(self).__name__}"
        return path, {**arguments, "job_arns": self.job_arns}

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Look at the jobs."""
        return not running(hook, self.job_arns)

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Stop the jobs that are running."""
        for job in running(hook, self.job_arns):
            BatchJobs(hook).stop(job.arn)
            self.log.warning(
                "Stopped %s because its task was marked failed. The %d of %d records that it has answered are billed;"
                " clear submit with downstream to store them and to ask for the rest.",
                *(job.name, job.processed, job.total),
            )


def running(hook: BedrockDistillHook, job_arns: list[str]) -> list[BatchJob]:
    """Return the jobs that have not ended."""
    jobs = (BatchJobs(hook).get(arn) for arn in job_arns)
    return [job for job in jobs if job.progress is Progress.RUNNING]
