"""The wait for a step's batch jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bedrock_distill.operators.base import Manifest
from bedrock_distill.sensors.waiting import WaitingSensor
from bedrock_distill.triggers.batch import BatchJobsTrigger, running
from bedrock_distill.triggers.polling import PollingTrigger


class BedrockBatchSensor(WaitingSensor):
    """
    Wait for all batch jobs of a step to end, however they end: what they answered is to be stored in any case.

    Retries and clears go on waiting for the same jobs; nothing is bought here.

    :param submitted: manifest of the step's submit. (templated)
    :param stop_when_marked_failed: stop the jobs when a person marks this waiting task failed.
    :return: ``{"jobs": int}``
    :raises WaitTimeoutError: still running; clear this task to go on waiting.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "submitted")

    def __init__(self, *, submitted: Any, stop_when_marked_failed: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.submitted = submitted
        self.stop_when_marked_failed = stop_when_marked_failed

    def poll(self) -> Manifest | None:
        """Look at every job."""
        arns = self.submitted["job_arns"]
        if not (jobs := running(self.hook, arns)):
            return {"jobs": len(arns)}
        for job in jobs:
            self.log.info("%s is %s: %d of %d records", job.name, job.status, job.processed, job.total)
        return None

    def trigger(self, **common: Any) -> PollingTrigger:
        """Wait for the jobs to end."""
        arns = self.submitted["job_arns"]
        return BatchJobsTrigger(
            name=f"{len(arns)} batch jobs of {self.task_id}",
            job_arns=arns,
            give_up_when_failed=self.stop_when_marked_failed,
            **common,
        )

    def timeout_message(self) -> str:
        """Say that the jobs go on."""
        return (
            f"Batch jobs are not done after {self.timeout_seconds / 3600:g} h: {', '.join(self.submitted['job_arns'])}."
            f" They are still running and billed. Clear {self.task_id} to go on waiting, or mark it failed while it"
            " waits to stop them."
        )
