"""Wait for the batch jobs of a step to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bedrock_distill.run.task_ids import SUBMIT
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.sensors.base import WaitingSensor
from bedrock_distill.triggers.batch import BatchJobsTrigger, running_jobs
from bedrock_distill.triggers.polling import PollingTrigger
from include.distill.batch.records import BatchSubmitManifest, BatchWaitManifest


class BedrockBatchSensor(WaitingSensor[BatchWaitManifest]):
    """
    Wait for all batch jobs of a step to end, whatever their final status. ``collect`` then stores their answers.

    The task buys nothing. Retrying or clearing the task waits for the same jobs again.

    :param submitted: manifest of the step's task ``submit``. (templated)
    :param stop_when_marked_failed: stop the jobs when a person marks this task as failed.
    :return: ``{"jobs": int}``
    :raises WaitTimeoutError: jobs are still running and billed; clear this task to wait longer.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "submitted")
    submitted = ResultOf[BatchSubmitManifest](SUBMIT)

    def __init__(self, *, submitted: Any, stop_when_marked_failed: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.submitted = submitted
        self.stop_when_marked_failed = stop_when_marked_failed

    def poll(self) -> BatchWaitManifest | None:
        """Look up every job by its ARN; return the manifest if all jobs have ended."""
        arns = self.submitted["job_arns"]
        if not (jobs := running_jobs(self.hook, arns)):
            return {"jobs": len(arns)}
        for job in jobs:
            self.log.info("%s is %s: %d of %d records processed so far", job.name, job.status, job.processed, job.total)
        return None

    def trigger(self, **common: Any) -> PollingTrigger:
        """Return the trigger that waits for the jobs to end."""
        arns = self.submitted["job_arns"]
        return BatchJobsTrigger(
            name=f"{len(arns)} batch jobs of {self.task_id}",
            job_arns=arns,
            give_up_when_failed=self.stop_when_marked_failed,
            **common,
        )

    def timeout_message(self) -> str:
        """Return a message that says that the jobs are still running."""
        return (
            f"These batch jobs have not ended after {self.timeout_seconds / 3600:g} h:"
            f" {', '.join(self.submitted['job_arns'])}. They are still running and billed. To wait longer,"
            f" clear {self.task_id}. To stop the jobs, clear {self.task_id} and mark it as failed while it waits."
        )
