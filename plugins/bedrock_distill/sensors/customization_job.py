"""Wait for a customization job to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.hooks.statuses import JOB_STATUS, Progress
from bedrock_distill.run.task_ids import INGEST, PREFLIGHT, SUBMIT, sibling_task
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.sensors.base import WaitingSensor
from bedrock_distill.triggers.polling import CustomizationJobTrigger, PollingTrigger
from bedrock_distill.ui.links import JOB_LINK, MODEL_LINK
from include.distill.core.errors import ContractError, JobFailedError, NotFoundError
from include.distill.core.job_failures import FailureCause, job_failure
from include.distill.training.records import TrainingJobManifest, TrainingManifest


class BedrockCustomizationJobSensor(WaitingSensor[TrainingManifest]):
    """
    Wait for the arm's customization job to complete.

    The task buys nothing. Retrying or clearing the task finds the job by its name and waits again.

    :param submitted: manifest of the arm's task ``submit``. (templated)
    :param stall_after_seconds: if training has not started this long after the job was created, log the job as stalled.
    :param stop_when_marked_failed: stop the job when a person marks this task as failed.
    :return: ``{"job_name", "job_arn", "status", "model_arn", "training_loss", "output_uri"}``
    :raises JobFailedError: the job has the status Failed or Stopped; the message quotes Bedrock's failureMessage.
    :raises WaitTimeoutError: the job is still running and billed; clear this task to wait longer.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "submitted")
    operator_extra_links = (JOB_LINK, MODEL_LINK)
    submitted = ResultOf[TrainingJobManifest](SUBMIT)

    def __init__(
        self,
        *,
        submitted: Any,
        stall_after_seconds: float = 21_600,
        stop_when_marked_failed: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.submitted = submitted
        self.stall_after_seconds = stall_after_seconds
        self.stop_when_marked_failed = stop_when_marked_failed

    def poll(self) -> TrainingManifest | None:
        """Look up the job by its name; return the manifest if the job has completed."""
        name = self.submitted["job_name"]
        job = self.ownership.find_submitted_job(name, self.submitted["fingerprint"])
        if job is None:
            message = (
                f"This run has no job {name} in Bedrock. Nothing is running. If another deployment has a job with this"
                f" name, the log says so. Clear {self._submit_task} with downstream,"
                " which looks for the job and buys it if it does not exist."
            )
            raise NotFoundError(message)
        progress = JOB_STATUS.get(job.status)
        if progress is Progress.SUCCEEDED:
            return {
                "job_name": job.name,
                "job_arn": job.arn,
                "status": job.status,
                "model_arn": job.model_arn,
                "training_loss": job.training_loss,
                "output_uri": job.output_uri,
            }
        if progress is Progress.FAILED:
            raise JobFailedError(self._failure_message(job))
        if progress is None:
            message = (
                f"Job {name} has the unknown status {job.status!r}. It may be running and billed. Look at the job"
                f" in the Bedrock console, then clear {self.task_id} to check again."
            )
            raise ContractError(message)
        self.log.info("%s is %s; phases: %s", name, job.status, dict(job.details))
        if stall := job.stalled_for(self.stall_after_seconds):
            self.log.warning("%s", stall)
        return None

    def trigger(self, **common: Any) -> PollingTrigger:
        """Return the trigger that waits for the job to end."""
        return CustomizationJobTrigger(
            name=self.submitted["job_arn"],
            stall_after_seconds=self.stall_after_seconds,
            at_most_usd=self.submitted.get("at_most_usd"),
            give_up_when_failed=self.stop_when_marked_failed,
            **common,
        )

    def timeout_message(self) -> str:
        """Return a message that says that the job is still running."""
        return (
            f"Job {self.submitted['job_name']} has not ended after {self.timeout_seconds / 3600:g} h. It is still"
            f" running and billed{self._at_most}. To wait longer without buying anything, clear"
            f" {self.task_id}. To end the job, stop it in the Bedrock console."
        )

    def _failure_message(self, job: CustomizationJob) -> str:
        reason = (job.failure_message or "Bedrock gave no reason").rstrip(".")
        ended = f"Job {job.name} ended with status {job.status}: {reason}. Nothing is running."
        buy_again = f"Clear {self._submit_task} with downstream to buy the next attempt{self._at_most}."
        if job.status == "Stopped":
            return f"{ended} The training up to that point is billed. {buy_again}"
        failure = job_failure(job.failure_message)
        if failure.is_final:
            return (
                f"{ended} The same data would fail again. {failure.advice} Correct the data, then clear {INGEST} with"
                " downstream, which buys a new job. If you change the hyperparameters, clear"
                f" {PREFLIGHT} with downstream instead."
            )
        if failure.cause is FailureCause.BEDROCK:
            return f"{ended} The cause is an internal Bedrock error. {failure.advice} {buy_again}"
        return f"{ended} The data is not the cause, so the same job may succeed. {failure.advice} {buy_again}"

    @property
    def _submit_task(self) -> str:
        return sibling_task(self.task_id, SUBMIT)

    @property
    def _at_most(self) -> str:
        usd = self.submitted.get("at_most_usd")
        return f", at most ${usd:.2f}" if usd is not None else ""
