"""
Waiting outside a worker: look, sleep, and fire when the awaited thing has come to an end.

The triggers only look; what an end means is decided by the task that wakes up, which looks once more itself. Airflow
3.3 can fail a deferral that fires at once (apache/airflow #71580), so a trigger sleeps before its first look.
"""

from __future__ import annotations

import asyncio
import datetime
from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.statuses import JOB_STATUS, THROUGHPUT_STATUS, Progress
from include.distill.errors import RefusedError, ServiceError


class PollingTrigger(BaseTrigger):
    """
    Fire ``{"end": "ended" | "deadline" | "refused", "message": str, "deadline": str}``.

    :param name: name or ARN of what is awaited.
    :param deadline: ISO 8601 time after which waiting ends; survives a restart of the triggerer.
    """

    def __init__(
        self,
        *,
        name: str,
        deadline: str,
        poll_interval_seconds: float,
        aws_conn_id: str,
        region_name: str | None,
    ) -> None:
        super().__init__()
        self.name = name
        self.deadline = deadline
        self.poll_interval_seconds = poll_interval_seconds
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the importable path and the arguments."""
        return f"bedrock_distill.triggers.polling.{type(self).__name__}", {
            "name": self.name,
            "deadline": self.deadline,
            "poll_interval_seconds": self.poll_interval_seconds,
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
        }

    @abstractmethod
    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Look once; runs in a thread."""

    def _event(self, end: str, message: str = "") -> TriggerEvent:
        return TriggerEvent({"end": end, "message": message, "deadline": self.deadline})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep and look until the end, the deadline, or a refusal. Passing faults are logged and waited out."""
        hook = BedrockDistillHook(self.aws_conn_id, self.region_name)
        deadline = datetime.datetime.fromisoformat(self.deadline)
        while True:
            await asyncio.sleep(self.poll_interval_seconds)
            try:
                if await sync_to_async(self.has_ended)(hook):
                    yield self._event("ended")
                    return
            except RefusedError as error:
                yield self._event("refused", str(error))
                return
            except ServiceError as error:
                self.log.warning("Looking at %s failed and is tried again: %s", self.name, error)
            if datetime.datetime.now(datetime.UTC) > deadline:
                yield self._event("deadline")
                return


class CustomizationJobTrigger(PollingTrigger):
    """Wait for a customization job to end."""

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Look at the job."""
        job = hook.find_job(self.name)
        return job is None or JOB_STATUS.get(job.status) is not Progress.RUNNING


class ProvisionedThroughputTrigger(PollingTrigger):
    """Wait for a throughput to be in service, to fail, or to be gone."""

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Look at the throughput."""
        throughput = hook.find_throughput(self.name)
        return throughput is None or THROUGHPUT_STATUS.get(throughput.status) is not Progress.RUNNING
