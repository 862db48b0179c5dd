"""
Poll AWS until a job or an endpoint is ready (the base class of the sensors).

A sensor succeeds, fails with AWS's reason, or times out with a message that says what is still running. It is
deferrable by default: the task checks once, then waits in the triggerer without a worker slot. When the trigger
wakes the task, the task checks again and does not rely on the trigger's result.
"""

from __future__ import annotations

import datetime
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow.sdk import BaseOperator

from bedrock_distill.hooks.aws import credentials_source
from bedrock_distill.lifecycle.abandoned_jobs import record_attempt, record_error
from bedrock_distill.lifecycle.run_task import RunTask
from bedrock_distill.lineage.task import LineageTask, after_execution
from bedrock_distill.run.access import require_run_uri
from bedrock_distill.run.checks import Checks, utc_now
from bedrock_distill.triggers.polling import PollingTrigger
from bedrock_distill.triggers.records import WaitEvent
from include.distill.core.errors import FAILED_TASK, RefusedError, WaitTimeoutError

if TYPE_CHECKING:
    from airflow.sdk import Context

ManifestT = TypeVar("ManifestT", bound=Mapping[str, object])


class WaitingSensor(LineageTask, RunTask, BaseOperator, Generic[ManifestT]):
    """
    Base class of the sensors.

    The class does not derive from ``BaseSensorOperator``, because that class does not say what is still running when
    a trigger times out, and because it loses the result of ``poke`` after a deferral.

    :param run_uri: the run's folder, ``s3://…/runs/<use case>/<run_key>``. (templated)
    :param poll_interval_seconds: seconds between two checks, and before the trigger's first check.
    :param timeout_seconds: maximum number of seconds to wait, counted from the start of the attempt unless ``poll``
        sets ``began`` to an earlier time. Airflow does not repeat a task that has timed out.
    :param deferrable: wait in the triggerer, which is the default. Otherwise, wait in the worker.
    :param aws_conn_id: Airflow connection for AWS.
    :param region_name: Region of the job or endpoint; ``None`` uses the connection's Region.
    :param bucket_owners: maps a bucket's name to the id of the account that owns it. ``*`` means all other buckets.
    :param kms_key_arn: KMS key for the objects that the task writes to S3; ``None`` for the setting of the bucket.
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
        bucket_owners: Mapping[str, str] | None = None,
        kms_key_arn: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(post_execute=after_execution, **kwargs)
        if poll_interval_seconds <= 0 or timeout_seconds <= 0:
            message = (
                f"{self.task_id}: poll_interval_seconds is {poll_interval_seconds} and timeout_seconds is"
                f" {timeout_seconds}; both must be positive. The DAG was not created. Correct the values in the"
                " DAG's code."
            )
            raise ValueError(message)
        require_run_uri(self.task_id, run_uri)
        self.run_uri = run_uri
        self.poll_interval_seconds = poll_interval_seconds
        self.timeout_seconds = timeout_seconds
        self.deferrable = deferrable
        self.began = utc_now()
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.bucket_owners = bucket_owners
        self.kms_key_arn = kms_key_arn

    @property
    @abstractmethod
    def resource(self) -> str:
        """The job or endpoint that the task waits for, with its name, as part of a sentence."""

    @abstractmethod
    def poll(self) -> ManifestT | None:
        """Return the manifest if the wait is over, else ``None``; raise an error if the wait can never succeed."""

    @abstractmethod
    def trigger(self, **common: Any) -> PollingTrigger:
        """Return the trigger that waits for the same job or endpoint as this sensor."""

    @abstractmethod
    def timeout_error(self, why: str) -> WaitTimeoutError:
        """
        Return an error that says what is still running and billed, and how to continue.

        :param why: what the last check saw, or why it failed, as a sentence.
        """

    def state_left(self, error: Exception) -> str:
        """Return a sentence that says that the task has changed nothing."""
        return (
            f"This task only waits. It has changed neither {self.resource} nor anything else that earlier tasks stored"
            " or bought."
        )

    def progress(self) -> str:
        """Return what the last check saw, or why it failed."""
        return self.checks.describe()

    @cached_property
    def checks(self) -> Checks:
        """The checks of this attempt."""
        return Checks(credentials_source(self.aws_conn_id), self.log.warning)

    def execute(self, context: Context) -> ManifestT:
        """Check once. If the wait is not over, defer the task, or poll in the worker until the time-out."""
        with record_attempt(context):
            return self._wait()

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue after the trigger fired or failed."""
        with record_error(context):
            return super().resume_execution(next_method, next_kwargs, context)

    def _wait(self) -> ManifestT:
        self.began = utc_now()
        if (manifest := self.poll()) is not None:
            return manifest
        deadline = self.began + datetime.timedelta(seconds=self.timeout_seconds)
        if utc_now() < deadline and self.deferrable:
            self._defer(deadline)
        self.checks.deadline = deadline
        while utc_now() < deadline:
            time.sleep(self.poll_interval_seconds)
            with self.checks.repeated():
                if (manifest := self.poll()) is not None:
                    return manifest
        raise self._timed_out()

    def execute_complete(self, context: Context, event: WaitEvent) -> ManifestT:
        """Check whether the wait is over, after the trigger has fired. If it is not, wait again until the deadline."""
        if event["end"] == "deadline":
            with self.checks.repeated():  # the wait is over, so an error must not cause a retry
                if (manifest := self.poll()) is not None:
                    return manifest
            raise self._timed_out()
        if (manifest := self.poll()) is not None:  # if AWS refuses this check too, the task's own error is raised
            return manifest
        if event["end"] == "refused":  # AWS refused the check only in the triggerer
            raise RefusedError(event["message"], to_do=event.get("to_do", ""), then_clear=FAILED_TASK)
        self._defer(datetime.datetime.fromisoformat(event["deadline"]))
        raise AssertionError  # _defer raises

    def _timed_out(self) -> WaitTimeoutError:
        self.checks.deadline = None
        return self.timeout_error(f"{self.checks.describe() or 'The last check found no result'}.")

    def _defer(self, deadline: datetime.datetime) -> None:
        since = deadline - datetime.timedelta(seconds=self.timeout_seconds)
        trigger = self.trigger(
            deadline=deadline.isoformat(),
            since=since.isoformat(),
            waits_for=self.waits_for.format(task=self),
            status=self.checks.status,
            poll_interval_seconds=self.poll_interval_seconds,
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
        )
        self.defer(trigger=trigger, method_name="execute_complete")
