"""Wait for a customization job to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.hooks.statuses import JOB_STATUS, Progress
from bedrock_distill.lifecycle.bought_by_run import has_bought_job
from bedrock_distill.lifecycle.progress import describe_job, describe_stall
from bedrock_distill.lineage.assets import publish
from bedrock_distill.run.task_ids import PREFLIGHT, SUBMIT, sibling_task
from bedrock_distill.run.task_results import ResultOf
from bedrock_distill.run.what_to_clear import task_to_clear
from bedrock_distill.sensors.base import WaitingSensor
from bedrock_distill.triggers.polling import CustomizationJobTrigger, PollingTrigger
from bedrock_distill.ui.links import JOB_LINK, MODEL_LINK
from include.distill.core.durations import format_duration
from include.distill.core.errors import FAILED_TASK, ContractError, JobFailedError, NotFoundError, WaitTimeoutError
from include.distill.core.job_failures import NO_ATTEMPT_LEFT, FailureCause, job_failure, stated_reason
from include.distill.cost.job_price import describe_cost
from include.distill.inference.quoted_requests import escaped
from include.distill.training.records import ModelEvent, TrainingJobManifest, TrainingManifest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from bedrock_distill.lineage.artifacts import TaskLineage


class BedrockCustomizationJobSensor(WaitingSensor[TrainingManifest]):
    """
    Wait for the arm's customization job to complete.

    The task buys nothing. Retrying or clearing the task finds the job by its name and waits again.

    :param submitted: manifest of the arm's task ``submit``. (templated)
    :param stall_after_seconds: if training has not started this long after the job was created, log the job as stalled.
    :param stop_when_marked_failed: stop the job when a person marks this task as failed.
    :return: ``{"job_name", "job_arn", "status", "model_arn", "training_loss", "output_uri"}``
    :raises JobFailedError: the job has the status Failed or Stopped; the message quotes Bedrock's failureMessage.
    :raises WaitTimeoutError: the job has not ended and is billed. Clear this task to wait longer.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "submitted")
    operator_extra_links = (JOB_LINK, MODEL_LINK)
    submitted = ResultOf[TrainingJobManifest](SUBMIT)
    waits_for = "training job {task.submitted[job_name]} to end"

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
        self._stall_was_logged = False
        self._job: CustomizationJob | None = None

    @property
    def resource(self) -> str:
        """The name of the arm's training job."""
        return f"training job {self.submitted['job_name']}"

    def poll(self) -> TrainingManifest | None:
        """Look up the job by its name; return the manifest if the job has completed."""
        name = self.submitted["job_name"]
        job = self.ownership.find_submitted_job(name, self.submitted["fingerprint"])
        self._job = job
        if job is None:
            raise NotFoundError(
                f"This run has no job {name} in Bedrock. If another environment has a job with this name, the log says"
                " so.",
                left="Nothing is running.",
                billed=f"Nothing by arm {self._arm}: it has no job.",
                then_clear=task_to_clear(self._submit_task),
                effect=f"looks for the job, and buys it if it does not exist{self._at_most}",
            )
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
            raise self._failure(job)
        if progress is None:
            raise ContractError(
                f"Job {name} has the unknown status {job.status!r}.",
                left="The job may be running.",
                billed=f"If it is running, its training is billed{self._at_most}.",
                to_do="Look at the job in the Bedrock console.",
                then_clear=FAILED_TASK,
                effect="checks again",
            )
        self.checks.status = describe_job(job)
        self.log.info("%s", self.checks.status)
        if not self.deferrable and not self._stall_was_logged and job.is_stalled(self.stall_after_seconds):
            self._stall_was_logged = True  # while the task is deferred, its trigger logs the stall
            self.log.warning("%s", describe_stall(job))
        return None

    def lineage(self, result: TrainingManifest | None) -> TaskLineage:
        """Return what the task reads and writes."""
        from bedrock_distill.lineage.model_steps import trained_lineage

        return trained_lineage(self.use_case, self.submitted["job_arn"], self._job, result)

    def publish_assets(self, context: Context, result: TrainingManifest) -> None:
        """Announce the model, unless an earlier run bought it."""
        model_arn = result["model_arn"]
        if model_arn is None or not has_bought_job(self, self.submitted):
            publish(self, context, None)
            return
        event: ModelEvent = {
            "model_arn": model_arn,
            "job_arn": result["job_arn"],
            "training_loss": result["training_loss"],
            "arm": self._arm,
            "run_key": self.folder.run_key,
            "simulated": self.hook.is_simulated(self.model(self.use_case.student).foundation_id),
        }
        publish(self, context, event)

    def trigger(self, **common: Any) -> PollingTrigger:
        """Return the trigger that waits for the job to end."""
        return CustomizationJobTrigger(
            name=self.submitted["job_arn"],
            stall_after_seconds=self.stall_after_seconds,
            at_most_usd=self.submitted.get("at_most_usd"),
            estimated_usd=self.submitted.get("estimated_usd"),
            give_up_when_failed=self.stop_when_marked_failed,
            **common,
        )

    def billed_now(self, error: Exception) -> str:
        """Return a sentence that says whether the training is billed now."""
        return f"The training of job {self.submitted['job_name']}, if the job is running{self._at_most}."

    def cost_so_far(self) -> str:
        """Return how the training is billed."""
        return f"the training so far{self._at_most}"

    def timeout_error(self, why: str) -> WaitTimeoutError:
        """Return an error that says that the job was not stopped."""
        name = self.submitted["job_name"]
        return WaitTimeoutError(
            f"This task has waited {format_duration(self.timeout_seconds)}, but job {name} has not ended. {why}",
            left=f"Job {name} was not stopped.",
            billed=f"The training of job {name} until it ends{self._at_most}.",
            to_do=(
                f"To wait longer without buying anything, clear {self.task_to_clear}. To end the job, stop it in the"
                " Bedrock console."
            ),
        )

    def _failure(self, job: CustomizationJob) -> JobFailedError:
        ended = f"Job {job.name} ended with status {job.status}: {escaped(stated_reason(job.failure_message))}."
        attempt, max_attempts = self.submitted.get("attempt", 1), self.use_case.training.max_attempts
        if attempt < max_attempts:
            to_do, clear = "", task_to_clear(self._submit_task)
        else:
            ended += f" It was attempt {attempt} of at most {max_attempts} on this data."
            to_do, clear = NO_ATTEMPT_LEFT, task_to_clear(PREFLIGHT)
        effect = f"buys another job{self._at_most}"
        left, billed = "Nothing is running. The training set is stored.", "Nothing more is billed for this job."
        if job.status == "Stopped":
            billed = "The training up to that point is billed; nothing more is billed for this job."
            return JobFailedError(ended, left=left, billed=billed, to_do=to_do, then_clear=clear, effect=effect)
        failure = job_failure(job.failure_message)
        if failure.is_final:
            return JobFailedError(
                f"{ended} The same data would fail again.",
                left=left,
                billed=billed,
                to_do=f"{failure.advice} Change the data or the hyperparameters.",
                then_clear=task_to_clear(PREFLIGHT),
                effect=effect,
            )
        cause = "The data is not the cause, so the same job may succeed."
        if failure.cause is FailureCause.BEDROCK:
            cause = "The cause is an internal Bedrock error."
        to_do = f"{failure.advice} {to_do}".strip()
        ended = f"{ended} {cause}"
        return JobFailedError(ended, left=left, billed=billed, to_do=to_do, then_clear=clear, effect=effect)

    @property
    def _arm(self) -> str:
        return self.task_id.rpartition(".")[0]

    @property
    def _submit_task(self) -> str:
        return sibling_task(self.task_id, SUBMIT)

    @property
    def _at_most(self) -> str:
        return describe_cost(self.submitted.get("at_most_usd"), self.submitted.get("estimated_usd"))
