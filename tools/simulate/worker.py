"""Run one attempt of a task with Airflow's own task runner, and run triggers on the virtual event loop."""

from __future__ import annotations

import asyncio
import datetime
import json
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

from airflow.sdk._shared.module_loading import import_string
from airflow.sdk.api.datamodels._generated import DagRun as DagRunModel
from airflow.sdk.api.datamodels._generated import DagRunState, DagRunType, TaskInstanceState, TIRunContext
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.serde import deserialize, serialize

from tools.simulate.api_server import ApiServer
from tools.simulate.clock import VirtualClock, VirtualLoop
from tools.simulate.dag_run import DagRun, TaskInstance, label
from tools.simulate.faults import Fault, KilledError, Kind
from tools.simulate.wire import Process, Wire

CANCEL_SECONDS = 1.0  # one round of the triggerer's loop
ON_KILL_TIMEOUT_SECONDS = 30.0  # Airflow's default
_VERSION = uuid.UUID(int=0)


class _Silent:
    """A log that keeps nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: None


class Worker:
    """Executes tasks and triggers."""

    def __init__(self, wire: Wire, api: ApiServer, clock: VirtualClock) -> None:
        self._wire = wire
        self._api = api
        self._clock = clock
        self._loop = VirtualLoop(clock)

    def close(self) -> None:
        """Close the event loop."""
        self._loop.close()

    @contextmanager
    def another_loop(self) -> Iterator[None]:
        """Use another event loop inside the block, if a trigger runs. An event loop cannot run inside itself."""
        outer, before = asyncio._get_running_loop(), self._loop
        if outer is None:
            yield
            return
        self._loop = VirtualLoop(self._clock)
        asyncio._set_running_loop(None)
        try:
            yield
        finally:
            asyncio._set_running_loop(outer)
            self._loop.close()
            self._loop = before

    def run_task(self, run: DagRun, task: TaskInstance) -> Fault | None:
        """
        Run an attempt of a task, or its part after a wait.

        :return: the fault that the process met; ``None`` if Airflow no longer knows the process.
        """
        process = Process(task.label, "task", run_id=run.run_id)
        instance = self._instance(run, task)
        self._api.running = run, task
        before = signal.getsignal(signal.SIGTERM)
        try:
            with self._wire.running(process):
                context = instance.get_template_context()
                state, _, error = task_runner.run(instance, context, _Silent())
                context["exception"] = error
                task_runner.finalize(instance, state, context, _Silent(), error)
        except KilledError:
            pass
        finally:
            signal.signal(signal.SIGTERM, before)
            _end_if_failed(process)
        if process.is_stale:
            return None
        if not process.is_alive and task.state == "running":
            task.state = "killed"
        return process.met

    def _instance(self, run: DagRun, task: TaskInstance) -> RuntimeTaskInstance:
        from_server = TIRunContext.model_construct(
            dag_run=self._dag_run(run),
            task_reschedule_count=0,
            max_tries=task.max_tries,
            variables=[],
            connections=[],
            xcom_keys_to_clear=[] if task.next_method else list(task.xcoms),
            should_retry=task.should_retry,
            next_method=task.next_method,
            next_kwargs=task.next_kwargs,
        )
        task_of_dag: Any = run.graph.dag.get_task(task.task_id)
        return RuntimeTaskInstance.model_construct(
            id=task.key,
            task_id=task.task_id,
            dag_id=run.graph.dag.dag_id,
            run_id=run.run_id,
            try_number=task.try_number,
            map_index=task.map_index,
            dag_version_id=_VERSION,
            task=task_of_dag,
            bundle_instance=cast(Any, None),  # only Airflow's start of a process uses it
            _ti_context_from_server=from_server,
            max_tries=task.max_tries,
            start_date=self._now(),
            state=TaskInstanceState.RUNNING,
            sentry_integration="",
        )

    def _dag_run(self, run: DagRun) -> DagRunModel:
        started, about = datetime.datetime.fromtimestamp(run.started, datetime.UTC), run.about
        date = None if about.logical_date is None else datetime.datetime.fromtimestamp(about.logical_date, datetime.UTC)
        return DagRunModel.model_construct(
            dag_id=run.graph.dag.dag_id,
            run_id=run.run_id,
            logical_date=date,
            data_interval_start=date,
            data_interval_end=date,
            run_after=date or started,
            start_date=started,
            end_date=None,
            run_type=DagRunType(about.run_type),
            state=DagRunState(run.state),
            conf=dict(about.configuration),
            consumed_asset_events=[],
            partition_key=None,
            partition_date=None,
            team_name=None,
        )

    def _now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._clock.now, datetime.UTC)

    def run_trigger(self, run: DagRun, task: TaskInstance) -> tuple[Fault | None, Any]:
        """
        Run the trigger of a deferred task until it fires or its process meets a kill.

        :return: the fault that the triggerer met, and the trigger, which is ``None`` if the triggerer is dead.
        """
        trigger, process = self.trigger_of(run, task), Process(task.label, "trigger", run_id=run.run_id)
        try:
            with self._wire.running(process):
                event = self._loop.run_until_complete(_first_event(trigger))
        except KilledError:
            is_dead = process.met is not None and process.met.kind is Kind.DEAD_TRIGGERER
            return process.met, None if is_dead else trigger
        finally:
            self._drop_tasks()
            _end_if_failed(process)
        arguments: Any = deserialize(task.next_kwargs)
        task.next_kwargs = serialize(json.loads(json.dumps({**(arguments or {}), "event": event.payload})))
        task.trigger, task.state = None, "scheduled"
        return process.met, None

    def kill_trigger(self, trigger: Any) -> Fault | None:
        """Call ``on_kill`` of a trigger, as the triggerer does after a person has acted on its task."""
        process = Process(label_of(trigger), "trigger", run_id=trigger.task_instance.run_id)
        self._loop.thread_seconds = 1.5 * CANCEL_SECONDS  # so that each wait for a thread is cancelled once
        try:
            with self._wire.running(process):
                self._loop.run_until_complete(_killed(trigger))
        except KilledError:
            pass
        finally:
            self._loop.thread_seconds = 0.0
            self._drop_tasks()
            _end_if_failed(process)
        return process.met

    def trigger_of(self, run: DagRun, task: TaskInstance) -> Any:
        """Create the trigger of a deferred task from what Airflow has stored."""
        if task.trigger is None:
            raise RuntimeError(f"{task.task_id} is deferred but has no trigger.")
        path, stored = task.trigger
        arguments: Any = deserialize(json.loads(stored))
        trigger = import_string(path)(**arguments)
        trigger.task_instance = SimpleNamespace(
            dag_id=run.graph.dag.dag_id, run_id=run.run_id, task_id=task.task_id, map_index=task.map_index
        )
        return trigger

    def _drop_tasks(self) -> None:
        """End what a trigger has left on the event loop, without letting it make calls."""
        with self._wire.running(Process("", "trigger", is_alive=False)):
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            if left:
                self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


def label_of(trigger: Any) -> str:
    """Return the label of the task that a trigger belongs to."""
    about = trigger.task_instance
    return label(about.task_id, about.map_index)


def _end_if_failed(process: Process) -> None:
    """End the schedule if the model itself failed while it answered the process."""
    if process.failed_with is not None:
        raise process.failed_with


async def _first_event(trigger: Any) -> Any:
    events = trigger.run()
    try:
        async for event in events:
            return event
    finally:
        await events.aclose()
    raise RuntimeError(f"{trigger!r} ended without an event.")


async def _killed(trigger: Any) -> None:
    """
    Call ``on_kill`` of a trigger, and cancel it again and again until it is over.

    ``TriggerRunner`` of Airflow 3.3.2 cancels the task of a trigger in each round of its loop, until the task has
    ended. A call that does not end with the trigger goes on in the triggerer.
    """
    ended = asyncio.ensure_future(_on_kill(trigger))
    while not ended.done():
        await asyncio.wait([ended], timeout=CANCEL_SECONDS)
        ended.cancel()
    for task in {ended, *asyncio.all_tasks()} - {asyncio.current_task()}:
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()):
            raise error


async def _on_kill(trigger: Any) -> None:
    with suppress(asyncio.TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(trigger.on_kill(), timeout=ON_KILL_TIMEOUT_SECONDS)
