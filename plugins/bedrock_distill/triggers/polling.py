"""
Poll AWS in the triggerer until a job has ended or an endpoint is ready, then wake the task.

A trigger only checks. The task that wakes up checks again and decides what the result means. A trigger sleeps before
its first check, because Airflow 3.3 can fail a task whose trigger fires at once (apache/airflow #71580).

When a person marks the waiting task as failed, the trigger stops the job or deletes the endpoint, so that nothing is
billed for a result that no task waits for. Airflow also calls ``on_kill`` when a task is cleared, but then the next
attempt will wait for the same job. So the trigger looks up the state of the task, and acts only if the state is
"failed". If Airflow fails to call ``on_kill``, the task ``outcome`` stops the job, and the teardown or the sweeper
deletes the endpoint. Airflow 3.2 never calls ``on_kill``.
"""

from __future__ import annotations

import asyncio
import datetime
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from typing import Any, TypeVar

from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.execution_time.xcom import XCom
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from bedrock_distill.hooks.aws import credentials_source
from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.in_flight import IN_FLIGHT, OWNER
from bedrock_distill.hooks.statuses import DEPLOYMENT_STATUS, THROUGHPUT_STATUS, Progress
from bedrock_distill.lifecycle.abandoned_jobs import is_running, stop_job
from bedrock_distill.lifecycle.endpoints import kind_named
from bedrock_distill.lifecycle.other_runs import awaited_jobs, not_stopped
from bedrock_distill.lifecycle.progress import describe_job, describe_stall, describe_standing, throughput_cost
from bedrock_distill.run.checks import Checks, utc_now
from bedrock_distill.run.heartbeat import INTERVAL_SECONDS, waiting_line
from bedrock_distill.run.task_ids import SUBMIT, sibling_task
from bedrock_distill.triggers.records import WaitEnd, WaitEvent
from include.distill.core.errors import ContractError, RefusedError, ServiceError
from include.distill.cost.job_price import describe_cost
from include.distill.evaluation.records import StandingKind

ReturnT = TypeVar("ReturnT")


async def in_thread(work: Callable[..., ReturnT], *arguments: Any) -> ReturnT:
    """
    Run ``work`` in a separate thread.

    If the caller is cancelled, it stops waiting at once, but the thread continues. The cancellation keeps its message,
    because Airflow calls ``on_kill`` only if it finds this message. ``sync_to_async`` alone would lose the message.
    """
    call = asyncio.ensure_future(sync_to_async(work, thread_sensitive=False)(*arguments))
    call.add_done_callback(
        lambda done: done.cancelled() or done.exception()
    )  # otherwise, asyncio logs that the exception was never retrieved
    return await asyncio.shield(call)


class PollingTrigger(BaseTrigger):
    """
    Base class of the triggers. A trigger fires a :class:`~bedrock_distill.triggers.records.WaitEvent`.

    :param name: name or ARN of the job or endpoint.
    :param deadline: ISO 8601 time at which the wait ends. A restart of the triggerer does not change this time.
    :param poll_interval_seconds: seconds before each check.
    :param aws_conn_id: Airflow connection for AWS.
    :param region_name: Region; ``None`` uses the connection's Region.
    :param give_up_when_failed: stop the job or delete the endpoint when the task is marked as failed.
    :param since: ISO 8601 time at which the wait began; ``None`` for a trigger that an earlier version stored.
    :param waits_for: what the task waits for, as the end of a sentence; empty in a trigger of an earlier version.
    :param status: what the task saw before it began to wait, as a sentence without a full stop.
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
        since: str | None = None,
        waits_for: str = "",
        status: str = "",
    ) -> None:
        super().__init__()
        self.name = name
        self.deadline = deadline
        self.poll_interval_seconds = poll_interval_seconds
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.give_up_when_failed = give_up_when_failed
        self.since = since or utc_now().isoformat()
        self.waits_for = waits_for
        self.awaited: dict[str, str] = {}  # the jobs for which other runs wait
        self.status = status
        self.checks = Checks(credentials_source(aws_conn_id), lambda line: self.log.warning("%s", line))
        self.checks.deadline = datetime.datetime.fromisoformat(deadline)
        if status:
            self.checks.status = f"When the wait began: {status}"  # until the first check

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's import path and the arguments that the triggerer needs to re-create the trigger."""
        return f"bedrock_distill.triggers.polling.{type(self).__name__}", {
            "name": self.name,
            "deadline": self.deadline,
            "poll_interval_seconds": self.poll_interval_seconds,
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "give_up_when_failed": self.give_up_when_failed,
            "since": self.since,
            "waits_for": self.waits_for,
            "status": self.status,
        }

    @abstractmethod
    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Check once whether the wait is over. This method runs in a separate thread."""

    @abstractmethod
    def give_up(self, hook: BedrockDistillHook) -> None:
        """Stop the job or delete the endpoint. This method runs in a separate thread."""

    @abstractmethod
    def cost_so_far(self, seconds: float) -> str:
        """Return what the job or endpoint has cost, as the end of a sentence.

        :param seconds: how long the task has waited.
        """

    def waiting_line(self) -> str:
        """Return the log line about the wait. A task that waits in a worker logs a line of the same form."""
        seconds = (utc_now() - datetime.datetime.fromisoformat(self.since)).total_seconds()
        return waiting_line(
            getattr(self.task_instance, "task_id", "the task"),  # a trigger of Airflow 3.2 has no `task_id`
            seconds,
            waits_for=self.waits_for or self.name,
            progress=self.checks.describe(),
            unanswered=IN_FLIGHT.slowest() or self.checks.unanswered(),
            cost_so_far=self.cost_so_far(seconds),
        )

    def _event(self, end: WaitEnd, error: ServiceError | None = None) -> TriggerEvent:
        event: WaitEvent = {"end": end, "message": "", "deadline": self.deadline}
        if error:
            event["message"], event["to_do"] = error.happened, error.to_do
        return TriggerEvent(event)

    def _hook(self) -> BedrockDistillHook:
        return BedrockDistillHook(self.aws_conn_id, self.region_name)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until the wait ends, the deadline passes or a check fails for good. Other AWS errors are only logged."""
        OWNER.set(self)  # before the heartbeat and the checks start, because each of them copies this context
        beat = asyncio.ensure_future(self._log_each_minute())
        try:
            yield await self._end_of_wait()
        finally:
            beat.cancel()

    async def _log_each_minute(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            self.log.info("%s", self.waiting_line())

    async def _end_of_wait(self) -> TriggerEvent:
        hook = self._hook()
        deadline = datetime.datetime.fromisoformat(self.deadline)
        while True:
            await asyncio.sleep(self.poll_interval_seconds)
            try:
                with self.checks.repeated():
                    if await in_thread(self.has_ended, hook):
                        return self._event("ended")
            except (RefusedError, ContractError) as error:
                return self._event("refused", error)
            if utc_now() > deadline:
                return self._event("deadline")

    async def on_kill(self) -> None:
        """
        Stop the job or delete the endpoint if the task was marked as failed, but not if the task was cleared.

        Airflow's triggerer cancels the trigger again every second until the trigger is gone. This would interrupt an
        ``on_kill`` that takes longer. So the work is shielded from cancellation, and always finishes.
        """
        work = asyncio.ensure_future(self._give_up_if_marked())
        while not work.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(work)

    async def _give_up_if_marked(self) -> None:
        if not self.give_up_when_failed or await self._task_state() != "failed":
            return
        self.awaited = await self._awaited_elsewhere() if self.jobs_of_run() else {}
        if self.awaited and self.awaited.keys() >= set(self.jobs_of_run()):
            self.log.warning("%s", not_stopped(self.name, next(iter(self.awaited.values()))))
            return
        try:
            await in_thread(self.give_up, self._hook())
        except ServiceError as error:
            self.log.warning("%s could not be stopped or deleted, and may be running and billed: %s", self.name, error)

    def jobs_of_run(self) -> Collection[str]:
        """Return the names or ARNs of the jobs for which another run may also wait. Endpoints belong to one run."""
        return ()

    async def _awaited_elsewhere(self) -> dict[str, str]:
        ti: Any = self.task_instance
        tasks = [sibling_task(ti.task_id, SUBMIT), ti.task_id]
        states = await sync_to_async(RuntimeTaskInstance.get_task_states)(dag_id=ti.dag_id, task_ids=tasks)

        def result_of(task: str, run: str) -> Any:
            return XCom.get_one(key=BaseXCom.XCOM_RETURN_KEY, dag_id=ti.dag_id, task_id=task, run_id=run)

        return await sync_to_async(awaited_jobs)(ti.task_id, ti.run_id, states, result_of)

    async def _task_state(self) -> str | None:
        if (ti := self.task_instance) is None:
            return None
        states = await sync_to_async(RuntimeTaskInstance.get_task_states)(
            dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
        )
        return next(iter(states.get(ti.run_id, {}).values()), None)


class CustomizationJobTrigger(PollingTrigger):
    """
    Wait for a customization job to end, and log a warning while it is stalled.

    :param stall_after_seconds: a job is stalled if training has not started this long after the job was created.
        Bedrock gives no other sign of a stalled job, and some jobs have been stalled for days.
    :param at_most_usd: cost of the complete training in US dollars, for the message that says that the job was stopped.
    :param estimated_usd: the same, as estimated, of a distillation job.
    """

    def __init__(
        self,
        *,
        stall_after_seconds: float,
        at_most_usd: float | None = None,
        estimated_usd: float | None = None,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.estimated_usd = estimated_usd
        self.stall_after_seconds = stall_after_seconds
        self.at_most_usd = at_most_usd
        self._stall_was_logged = False

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's import path and the arguments that the triggerer needs to re-create the trigger."""
        path, arguments = super().serialize()
        own_arguments = {
            "stall_after_seconds": self.stall_after_seconds,
            "at_most_usd": self.at_most_usd,
            "estimated_usd": self.estimated_usd,
        }
        return path, {**arguments, **own_arguments}

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Return whether the job has ended or no longer exists."""
        job = hook.find_job(self.name)
        if job is None or not is_running(job):
            return True
        self.checks.status = describe_job(job)
        if not self._stall_was_logged and job.is_stalled(self.stall_after_seconds):
            self._stall_was_logged = True
            self.log.warning("%s", describe_stall(job))
        return False

    def cost_so_far(self, seconds: float) -> str:
        """Say that the training so far is billed, and what the whole training costs at most, if this is known."""
        return f"the training so far{describe_cost(self.at_most_usd, self.estimated_usd)}"

    def jobs_of_run(self) -> Collection[str]:
        """Return the job."""
        return (self.name,)

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Stop the job."""
        if message := stop_job(hook, self.name, at_most_usd=self.at_most_usd, estimated_usd=self.estimated_usd):
            self.log.warning("%s", message)


class ProvisionedThroughputTrigger(PollingTrigger):
    """
    Wait until a provisioned throughput is in service, has failed or no longer exists.

    :param usd_per_hour: price of all its model units; ``None`` if it is unknown.
    """

    def __init__(self, *, usd_per_hour: float | None = None, **common: Any) -> None:
        super().__init__(**common)
        self.usd_per_hour = usd_per_hour

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's import path and the arguments that the triggerer needs to re-create the trigger."""
        path, arguments = super().serialize()
        return path, {**arguments, "usd_per_hour": self.usd_per_hour}

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Return whether the throughput is in service, has failed or no longer exists."""
        throughput = hook.find_throughput(self.name)
        if throughput:
            self.checks.status = f"{throughput.name} is {throughput.status}"
        return throughput is None or THROUGHPUT_STATUS.get(throughput.status) is not Progress.RUNNING

    def cost_so_far(self, seconds: float) -> str:
        """Return what the throughput has cost since the wait began."""
        return throughput_cost(seconds, self.usd_per_hour)

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Delete the throughput. ``release`` then finds nothing to delete."""
        hook.delete_throughput(self.name)
        self.log.warning("Deleted %s because its task was marked as failed.", self.name)


class DeploymentTrigger(PollingTrigger):
    """Wait until a custom model deployment is active, has failed or no longer exists."""

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Return whether the deployment is active, has failed or no longer exists."""
        deployment = hook.find_deployment(self.name)
        if deployment:
            self.checks.status = f"{deployment.name} is {deployment.status}"
        return deployment is None or DEPLOYMENT_STATUS.get(deployment.status) is not Progress.RUNNING

    def cost_so_far(self, seconds: float) -> str:
        """Say that the deployment costs nothing while it is being created."""
        return "nothing: a deployment is billed by the token"

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Delete the deployment. ``undeploy`` then finds nothing to delete."""
        hook.delete_deployment(self.name)
        self.log.warning("Deleted %s because its task was marked as failed.", self.name)


class StandingEndpointTrigger(PollingTrigger):
    """
    Wait until the creation of a standing endpoint, or the update of its model, has ended.

    :param kind: the kind of endpoint.
    :param usd_per_hour: price of all its model units; ``None`` for a deployment.
    """

    def __init__(self, *, kind: StandingKind, usd_per_hour: float | None = None, **common: Any) -> None:
        super().__init__(**{**common, "give_up_when_failed": False})
        self.kind = kind
        self.usd_per_hour = usd_per_hour

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's import path and the arguments that the triggerer needs to re-create the trigger."""
        path, arguments = super().serialize()
        return path, {**arguments, "kind": self.kind, "usd_per_hour": self.usd_per_hour}

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Return whether nothing is in progress, or the endpoint no longer exists."""
        kind = kind_named(self.kind)
        endpoint = kind.find(hook, self.name)
        if endpoint is None:
            return True
        self.checks.status = describe_standing(kind, endpoint)
        return kind.served(endpoint).progress is not Progress.RUNNING

    def cost_so_far(self, seconds: float) -> str:
        """Return what the endpoint has cost since the wait began."""
        if self.kind == "on_demand":
            return "nothing: a deployment is billed by the token"
        return throughput_cost(seconds, self.usd_per_hour)

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Do nothing: applications may call the endpoint, and ``settle`` brings it back to the champion."""
