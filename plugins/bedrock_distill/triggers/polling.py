"""
Waiting outside a worker: look, sleep, and fire when the awaited thing has come to an end.

The triggers only look; what an end means is decided by the task that wakes up, which looks once more itself. Airflow
3.3 can fail a deferral that fires at once (apache/airflow #71580), so a trigger sleeps before its first look.

When a person marks the waiting task failed, the trigger gives up what is awaited, so that it is not billed for
nothing. Airflow calls ``on_kill`` also when a task is cleared, and then the next try has adopted the thing already:
only a task that is failed when looked up gives up. It is a courtesy; teardown and the sweeper are the guarantee.
"""

from __future__ import annotations

import asyncio
import datetime
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, TypeVar

from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.statuses import THROUGHPUT_STATUS, Progress
from bedrock_distill.lifecycle.abandoned_jobs import is_running, stop_job
from include.distill.core.errors import RefusedError, ServiceError

ReturnT = TypeVar("ReturnT")


async def in_thread(work: Callable[..., ReturnT], *arguments: Any) -> ReturnT:
    """
    Run ``work`` in a thread of its own.

    When the caller is cancelled meanwhile, the thread goes on and the caller leaves at once, with the message of the
    cancellation: by it Airflow knows that a person acted, and calls ``on_kill``. ``sync_to_async`` alone would lose it.
    """
    call = asyncio.ensure_future(sync_to_async(work, thread_sensitive=False)(*arguments))
    call.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen, though nobody may wait any more
    return await asyncio.shield(call)


class PollingTrigger(BaseTrigger):
    """
    Fire ``{"end": "ended" | "deadline" | "refused", "message": str, "deadline": str}``.

    :param name: name or ARN of what is awaited.
    :param deadline: ISO 8601 time after which waiting ends; survives a restart of the triggerer.
    :param give_up_when_failed: give up what is awaited when the waiting task is marked failed.
    """

    def __init__(
        self,
        *,
        name: str,
        deadline: str,
        poll_interval_seconds: float,
        aws_conn_id: str,
        region_name: str | None,
        give_up_when_failed: bool = True,
    ) -> None:
        super().__init__()
        self.name = name
        self.deadline = deadline
        self.poll_interval_seconds = poll_interval_seconds
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.give_up_when_failed = give_up_when_failed

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the importable path and the arguments."""
        return f"bedrock_distill.triggers.polling.{type(self).__name__}", {
            "name": self.name,
            "deadline": self.deadline,
            "poll_interval_seconds": self.poll_interval_seconds,
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "give_up_when_failed": self.give_up_when_failed,
        }

    @abstractmethod
    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Look once; runs in a thread."""

    @abstractmethod
    def give_up(self, hook: BedrockDistillHook) -> None:
        """Stop or release what is awaited; runs in a thread."""

    def _event(self, end: str, message: str = "") -> TriggerEvent:
        return TriggerEvent({"end": end, "message": message, "deadline": self.deadline})

    def _hook(self) -> BedrockDistillHook:
        return BedrockDistillHook(self.aws_conn_id, self.region_name)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep and look until the end, the deadline, or a refusal. Passing faults are logged and waited out."""
        hook = self._hook()
        deadline = datetime.datetime.fromisoformat(self.deadline)
        while True:
            await asyncio.sleep(self.poll_interval_seconds)
            try:
                if await in_thread(self.has_ended, hook):
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

    async def on_kill(self) -> None:
        """
        Give up when the task was marked failed; on a clear the next try goes on with what is there.

        Airflow's triggerer cancels a trigger again every second until it is gone, and with it an ``on_kill`` that takes
        longer. What has begun is therefore brought to its end, however often it is cancelled meanwhile.
        """
        work = asyncio.ensure_future(self._give_up_if_marked())
        while not work.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(work)

    async def _give_up_if_marked(self) -> None:
        if not self.give_up_when_failed or await self._task_state() != "failed":
            return
        try:
            await in_thread(self.give_up, self._hook())
        except ServiceError as error:
            self.log.warning("%s could not be given up: %s", self.name, error)

    async def _task_state(self) -> str | None:
        if (ti := self.task_instance) is None:
            return None
        states = await sync_to_async(RuntimeTaskInstance.get_task_states)(
            dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
        )
        return next(iter(states.get(ti.run_id, {}).values()), None)


class CustomizationJobTrigger(PollingTrigger):
    """
    Wait for a customization job to end; name a stall while it lasts.

    :param stall_after_seconds: InProgress with training not started for longer than this is a stall. Bedrock gives no
        other sign of one, and jobs have been seen to stall for days.
    :param at_most_usd: what the whole training costs, for the message when it is stopped.
    """

    def __init__(self, *, stall_after_seconds: float, at_most_usd: float | None = None, **common: Any) -> None:
        super().__init__(**common)
        self.stall_after_seconds = stall_after_seconds
        self.at_most_usd = at_most_usd

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the importable path and the arguments."""
        path, arguments = super().serialize()
        mine = {"stall_after_seconds": self.stall_after_seconds, "at_most_usd": self.at_most_usd}
        return path, {**arguments, **mine}

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Look at the job."""
        job = hook.find_job(self.name)
        if job is None or not is_running(job):
            return True
        if stall := job.stalled_for(self.stall_after_seconds):
            self.log.warning("%s", stall)
        return False

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Stop the job."""
        if message := stop_job(hook, self.name, at_most_usd=self.at_most_usd):
            self.log.warning("%s", message)


class ProvisionedThroughputTrigger(PollingTrigger):
    """Wait for a throughput to be in service, to fail, or to be gone."""

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Look at the throughput."""
        throughput = hook.find_throughput(self.name)
        return throughput is None or THROUGHPUT_STATUS.get(throughput.status) is not Progress.RUNNING

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Delete the throughput; ``release`` finds it gone."""
        hook.delete_throughput(self.name)
        self.log.warning("Deleted %s because its task was marked failed.", self.name)
