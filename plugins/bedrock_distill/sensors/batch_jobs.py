"""Wait for the batch jobs of a step to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bedrock_distill.run.task_ids import SUBMIT, sibling_task
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.sensors.base import WaitingSensor
from bedrock_distill.triggers.batch import BatchJobsTrigger, describe_jobs, running_jobs
from bedrock_distill.triggers.polling import PollingTrigger
from include.distill.batch.records import BatchSubmitManifest, BatchWaitManifest
from include.distill.core.durations import format_duration
from include.distill.core.errors import NotFoundError, WaitTimeoutError


class BedrockBatchSensor(WaitingSensor[BatchWaitManifest]):
    """
    Wait for all batch jobs of a step to end, whatever their final status. ``collect`` then stores their answers.

    The task buys nothing. Retrying or clearing the task waits for the same jobs again.

    :param submitted: manifest of the step's task ``submit``. (templated)
    :param stop_when_marked_failed: stop the jobs when a person marks this task as failed.
    :return: ``{"jobs": int}``
    :raises WaitTimeoutError: some jobs have not ended and are still billed. Clear this task to wait longer.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "submitted")
    submitted = ResultOf[BatchSubmitManifest](SUBMIT)
    waits_for = "the step's batch jobs to end"

    def __init__(self, *, submitted: Any, stop_when_marked_failed: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.submitted = submitted
        self.stop_when_marked_failed = stop_when_marked_failed

    @property
    def resource(self) -> str:
        """The ARNs of the step's batch jobs."""
        return f"these batch jobs: {', '.join(self.submitted['job_arns'])}"

    def poll(self) -> BatchWaitManifest | None:
        """Look up every job by its ARN; return the manifest if all jobs have ended."""
        arns = self.submitted["job_arns"]
        try:
            jobs = running_jobs(self.hook, arns)
        except NotFoundError as error:
            submit = sibling_task(self.task_id, SUBMIT)
            raise NotFoundError(
                error.happened,
                left=f"This task stopped none of {self.resource}.",
                to_do=f"Clear {submit} with downstream, which submits the unanswered questions again.",
            ) from error
        if not jobs:
            return {"jobs": len(arns)}
        self.checks.status = describe_jobs(jobs, len(arns))
        self.log.info("%s", self.checks.status)
        return None

    def billed_now(self, error: Exception) -> str:
        """Return a sentence that says what is billed: only the records that were answered."""
        arns = ", ".join(self.submitted["job_arns"])
        return f"Each record that the jobs answer, at half the on-demand price. The jobs are {arns}."

    def cost_so_far(self) -> str:
        """Return how the jobs are billed."""
        return "each answered record, at half the on-demand price"

    def trigger(self, **common: Any) -> PollingTrigger:
        """Return the trigger that waits for the jobs to end."""
        arns = self.submitted["job_arns"]
        return BatchJobsTrigger(
            name=f"{len(arns)} batch jobs of {self.task_id}",
            job_arns=arns,
            give_up_when_failed=self.stop_when_marked_failed,
            **common,
        )

    def timeout_error(self, why: str) -> WaitTimeoutError:
        """Return an error that says that the jobs were not stopped."""
        return WaitTimeoutError(
            f"This task has waited {format_duration(self.timeout_seconds)}, but not all jobs have ended. {why}",
            left=f"This task stopped none of {self.resource}.",
            billed="Each record that the jobs answer until they end, at half the on-demand price.",
            to_do=(
                f"To wait longer, clear {self.task_to_clear}. To stop the jobs, clear the task as well, and then mark"
                " it as failed while it waits."
            ),
        )
