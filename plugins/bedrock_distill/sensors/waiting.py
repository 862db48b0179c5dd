"""
Sensors that poll AWS and end only in success, in a failure with AWS's reason, or in a time-out that says what goes on.

Deferrable by default: the task looks once, then waits in the triggerer without a worker slot. Woken up, it looks
again: the event is a hint, never the verdict.
"""

from __future__ import annotations

import datetime
import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from bedrock_distill.hooks.bedrock import BedrockDistillHook, CustomizationJob, Throughput
from bedrock_distill.hooks.statuses import JOB_STATUS, THROUGHPUT_STATUS, Progress
from bedrock_distill.lifecycle.abandoned_jobs import record_attempt, record_error
from bedrock_distill.operators.base import Manifest, RunAccess, require_run_uri
from bedrock_distill.operators.serve import hourly_cost_note, serving_arn
from bedrock_distill.triggers.polling import (
    CustomizationJobTrigger,
    PollingTrigger,
    ProvisionedThroughputTrigger,
)
from bedrock_distill.ui.links import JOB_LINK, MODEL_LINK, THROUGHPUT_LINK
from include.distill.core.errors import (
    ContractError,
    JobFailedError,
    NotFoundError,
    RefusedError,
    ThrottledError,
    TransientError,
    WaitTimeoutError,
)
from include.distill.training.job_identity import is_transient_failure

if TYPE_CHECKING:
    from airflow.sdk import Context


class WaitingSensor(RunAccess, BaseOperator):
    """
    Base of the sensors.

    It is no ``BaseSensorOperator``: that one turns a trigger's time-out into a failure that no retry follows, and its
    ``poke`` result is lost after a deferral.

    :param poll_interval_seconds: seconds between looks, and before the first one of the trigger.
    :param timeout_seconds: how long one try waits.
    :param deferrable: wait in the triggerer (default) or in the worker.
    """

    template_fields: Sequence[str] = ("run_uri",)
    ui_color = "#e0f2f1"

    def __init__(
        self,
        *,
        run_uri: str = "",
        poll_interval_seconds: float,
        timeout_seconds: float,
        deferrable: bool = True,
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if poll_interval_seconds <= 0 or timeout_seconds <= 0:
            message = f"{self.task_id}: poll_interval_seconds and timeout_seconds must be positive."
            raise ValueError(message)
        require_run_uri(self.task_id, run_uri)
        self.run_uri = run_uri
        self.poll_interval_seconds = poll_interval_seconds
        self.timeout_seconds = timeout_seconds
        self.deferrable = deferrable
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name

    @abstractmethod
    def poll(self) -> Manifest | None:
        """Return the manifest when the awaited thing is there, ``None`` while it is not, raise when it never will."""

    @abstractmethod
    def trigger(self, **common: Any) -> PollingTrigger:
        """Return the trigger that waits for the same thing."""

    @abstractmethod
    def timeout_message(self) -> str:
        """Say what is still running and billed, and how to pick it up."""

    def execute(self, context: Context) -> Manifest:
        """Look once; then defer, or look until the time is up."""
        with record_attempt(context):
            return self._wait()

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after the trigger fired, or failed."""
        with record_error(context):
            return super().resume_execution(next_method, next_kwargs, context)

    def _wait(self) -> Manifest:
        if (manifest := self.poll()) is not None:
            return manifest
        if self.deferrable:
            self._defer(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.timeout_seconds))
        deadline = time.monotonic() + self.timeout_seconds
        while time.monotonic() < deadline:
            time.sleep(self.poll_interval_seconds)
            try:
                if (manifest := self.poll()) is not None:
                    return manifest
            except (ThrottledError, TransientError) as error:
                self.log.warning("Looking failed and is tried again: %s", error)
        raise WaitTimeoutError(self.timeout_message())

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Manifest:
        """Look again after the trigger fired."""
        if event["end"] == "refused":
            raise RefusedError(event["message"])
        if (manifest := self.poll()) is not None:
            return manifest
        if event["end"] == "deadline":
            raise WaitTimeoutError(self.timeout_message())
        self._defer(datetime.datetime.fromisoformat(event["deadline"]))
        raise AssertionError  # _defer raises

    def _defer(self, deadline: datetime.datetime) -> None:
        trigger = self.trigger(
            deadline=deadline.isoformat(),
            poll_interval_seconds=self.poll_interval_seconds,
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
        )
        self.defer(trigger=trigger, method_name="execute_complete")


class BedrockCustomizationJobSensor(WaitingSensor):
    """
    Wait for the arm's customization job to be Completed.

    Retries and clears pick the job up by name; nothing is bought here.

    :param submitted: manifest of the arm's submit. (templated)
    :param stall_after_seconds: running for longer than this without training is named as a stall, in the log.
    :param stop_when_marked_failed: stop the job when a person marks this waiting task failed.
    :return: ``{"job_name", "job_arn", "status", "model_arn", "training_loss", "output_uri"}``
    :raises JobFailedError: Failed or Stopped, with Bedrock's own failureMessage.
    :raises WaitTimeoutError: still running, still billed; clear this task to go on waiting.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "submitted")
    operator_extra_links = (JOB_LINK, MODEL_LINK)

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

    def poll(self) -> Manifest | None:
        """Look at the job by name."""
        name = self.submitted["job_name"]
        job = self.hook.find_job(name)
        if job is None:
            message = f"Job {name} does not exist. Clear submit: it looks for the job and buys it if it is not there."
            raise NotFoundError(message)
        progress = JOB_STATUS.get(job.status)
        if progress is Progress.SUCCEEDED:
            return self._manifest(job)
        if progress is Progress.FAILED:
            raise JobFailedError(_why(job, self._at_most))
        if progress is None:
            message = f"Job {name} has the unknown status {job.status!r}; it may be running and billed."
            raise ContractError(message)
        self.log.info("%s is %s %s", name, job.status, dict(job.details))
        if stall := job.stalled_for(self.stall_after_seconds):
            self.log.warning("%s", stall)
        return None

    def _manifest(self, job: CustomizationJob) -> Manifest:
        return {
            "job_name": job.name,
            "job_arn": job.arn,
            "status": job.status,
            "model_arn": job.model_arn,
            "training_loss": job.training_loss,
            "output_uri": job.output_uri,
        }

    def trigger(self, **common: Any) -> PollingTrigger:
        """Wait for the job to end."""
        return CustomizationJobTrigger(
            name=self.submitted["job_name"],
            stall_after_seconds=self.stall_after_seconds,
            at_most_usd=self.submitted.get("at_most_usd"),
            give_up_when_failed=self.stop_when_marked_failed,
            **common,
        )

    def timeout_message(self) -> str:
        """Say that the job goes on."""
        return (
            f"Job {self.submitted['job_name']} is not done after {self.timeout_seconds / 3600:g} h. It is still running"
            f" and billed{self._at_most}. Clear {self.task_id} to go on waiting for it, which buys nothing, or stop the"
            " job in the Bedrock console."
        )

    @property
    def _at_most(self) -> str:
        usd = self.submitted.get("at_most_usd")
        return f", at most ${usd:.2f}" if usd is not None else ""


class BedrockProvisionedThroughputSensor(WaitingSensor):
    """
    Wait for the arm's throughput to be InService.

    :param provisioned: manifest of the arm's provision. (templated)
    :return: ``{"invoke_id": str | None, "model_arn": str | None, "student": str}``; ``invoke_id`` is ``None`` when no
        answer is missing.
    :raises ThroughputReleasedError: it was released; clear ``provision`` with downstream.
    :raises WaitTimeoutError: still Creating and billed; teardown releases it.
    """

    template_fields: Sequence[str] = (*WaitingSensor.template_fields, "provisioned")
    operator_extra_links = (THROUGHPUT_LINK,)

    def __init__(self, *, provisioned: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.provisioned = provisioned

    def poll(self) -> Manifest | None:
        """Look at the throughput by name."""
        name = self.provisioned["throughput_name"]
        throughput = find_throughput_by_name(self.hook, name)
        arn = serving_arn(self.provisioned, throughput, self._provision_task)
        if throughput is None or THROUGHPUT_STATUS[throughput.status] is Progress.SUCCEEDED:
            answering = {key: self.provisioned[key] for key in ("model_arn", "student")}
            return {"invoke_id": arn, **answering}
        self.log.info("%s is %s", name, throughput.status)
        return None

    @property
    def _provision_task(self) -> str:
        return f"{self.task_id.rpartition('.')[0]}.provision".lstrip(".")

    def trigger(self, **common: Any) -> PollingTrigger:
        """Wait for it to be in service."""
        return ProvisionedThroughputTrigger(name=self.provisioned["throughput_name"], **common)

    def timeout_message(self) -> str:
        """Say that it is billed until teardown."""
        return (
            f"Throughput {self.provisioned['throughput_name']} is not in service after {self.timeout_seconds / 60:g}"
            f" min. It is billed until release, which runs next. Clear {self._provision_task} with downstream to buy"
            f" again{hourly_cost_note(self.provisioned)}."
        )


def _why(job: CustomizationJob, at_most: str) -> str:
    reason = job.failure_message or "Bedrock gave no reason"
    ended = f"Job {job.name} ended {job.status}: {reason}. Nothing is running."
    buy_again = f"Clear submit with downstream to buy the next attempt{at_most}."
    if job.status == "Stopped":
        return f"{ended} What it trained until then is billed. {buy_again}"
    if is_transient_failure(job.failure_message):
        return f"{ended} The cause is Bedrock's own. {buy_again}"
    return (
        f"{ended} The same data would fail again: mend them, then clear ingest with downstream, which buys a new job."
    )


def find_throughput_by_name(hook: BedrockDistillHook, name: str | None) -> Throughput | None:
    """Return the throughput called ``name``; nothing when nothing was bought."""
    return hook.find_throughput(name) if name else None
