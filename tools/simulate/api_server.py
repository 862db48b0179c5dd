"""Answer the messages that a task or a trigger sends to Airflow, from the model of Airflow's database."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from airflow.sdk.api.datamodels._generated import DagRunState
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import (
    DagRunStateResult,
    DRCount,
    ErrorResponse,
    HITLDetailRequestResult,
    InactiveAssetsResult,
    OKResponse,
    TaskStatesResult,
    XComCountResponse,
    XComResult,
    XComSequenceIndexResult,
    XComSequenceSliceResult,
)

from tools.simulate.clock import VirtualClock
from tools.simulate.dag_run import DagRun, TaskInstance
from tools.simulate.faults import KilledError, UnknownMessageError
from tools.simulate.wire import Wire

_IGNORED = frozenset({"SetRenderedFields", "SetRenderedMapIndex", "MaskSecret"})


class ApiServer:
    """
    Takes the place of ``SUPERVISOR_COMMS``.

    :ivar runs: the runs in the database, by their id.
    """

    def __init__(self, wire: Wire, clock: VirtualClock) -> None:
        self._wire = wire
        self._clock = clock
        self.runs: dict[str, DagRun] = {}
        self.running: tuple[DagRun, TaskInstance] | None = None

    def send(self, msg: Any) -> Any:
        """Answer a message."""
        if not self._wire.process.is_alive:
            raise KilledError
        with self._wire.guarded():
            return self._answer(msg)

    def _answer(self, msg: Any) -> Any:
        name = type(msg).__name__
        if name in _IGNORED:
            return OKResponse(ok=True)
        if reader := getattr(self, f"_read_{name}", None):
            return reader(msg)
        writer: Callable[[Any], Any] | None = getattr(self, f"_write_{name}", None)
        if writer is None:
            raise UnknownMessageError(f"The model of Airflow does not know the message {name}.")
        return self._wire.message(name, lambda: writer(msg))

    def _instance(self, msg: Any) -> TaskInstance | None:
        run, index = self.runs.get(msg.run_id), -1 if msg.map_index is None else msg.map_index
        found = run.instances.get(msg.task_id, []) if run else []
        return next((one for one in found if one.map_index == index), None)

    async def asend(self, msg: Any) -> Any:
        """Answer a message of a coroutine."""
        return self.send(msg)

    # Reading

    def _stored(self, msg: Any) -> list[Any]:
        """Return the values that the instances of a task have stored under a key, in their order."""
        run = self.runs.get(msg.run_id)
        instances = run.instances.get(msg.task_id, []) if run else []
        return [json.loads(one.xcoms[msg.key]) for one in instances if one.xcoms.get(msg.key) is not None]

    def _read_GetXCom(self, msg: Any) -> XComResult:
        task = self._instance(msg)
        found = task.xcoms.get(msg.key) if task else None
        return XComResult(key=msg.key, value=None if found is None else json.loads(found))

    def _read_GetXComSequenceSlice(self, msg: Any) -> XComSequenceSliceResult:
        return XComSequenceSliceResult(root=self._stored(msg)[msg.start : msg.stop : msg.step])

    def _read_GetXComSequenceItem(self, msg: Any) -> XComSequenceIndexResult | ErrorResponse:
        stored = self._stored(msg)
        return XComSequenceIndexResult(root=stored[msg.offset]) if msg.offset < len(stored) else ErrorResponse()

    def _read_GetXComCount(self, msg: Any) -> XComCountResponse:
        return XComCountResponse(len=len(self._stored(msg)))

    def _read_GetTaskStates(self, msg: Any) -> TaskStatesResult:
        states = {}
        for run_id in msg.run_ids or self.runs:
            if run_id in self.runs and self.runs[run_id].graph.dag.dag_id == msg.dag_id:
                tasks = self.runs[run_id].tasks.values()
                states[run_id] = {
                    one.task_id if one.map_index < 0 else f"{one.task_id}_{one.map_index}": one.state
                    for one in tasks
                    if one.task_id in (msg.task_ids or [one.task_id]) and msg.map_index in (None, one.map_index)
                }
        return TaskStatesResult(task_states=states)

    def _read_GetDRCount(self, msg: Any) -> DRCount:
        found = [run for run in self.runs.values() if run.graph.dag.dag_id == msg.dag_id]
        matching = (run for run in found if run.run_id in (msg.run_ids or [run.run_id]))
        return DRCount(count=sum(run.state in (msg.states or [run.state]) for run in matching))

    def _read_GetDagRunState(self, msg: Any) -> DagRunStateResult:
        run = self.runs.get(msg.run_id)
        if run is None or run.graph.dag.dag_id != msg.dag_id:
            raise _not_found(f"DagRun with dag_id: '{msg.dag_id}' and run_id: '{msg.run_id}' not found")
        return DagRunStateResult(state=DagRunState(run.state))

    def _read_ValidateInletsAndOutlets(self, msg: Any) -> InactiveAssetsResult:
        del msg
        return InactiveAssetsResult(inactive_assets=[])

    def _read_GetVariable(self, msg: Any) -> ErrorResponse:
        del msg
        return ErrorResponse()

    # Writing

    def _present(self) -> tuple[DagRun, TaskInstance]:
        if self._wire.process.is_stale:
            # Each attempt has an id of its own, so Airflow does not find the attempt of an old copy. If a person marked
            # the task, Airflow finds the attempt, but refuses because the task no longer runs.
            raise _not_found("Task Instance not found")
        if self.running is None or self.running[1].state != "running":
            raise RuntimeError("A task that does not run has sent its result.")
        return self.running

    def _write_SetXCom(self, msg: Any) -> OKResponse:
        task = self._instance(msg)
        if task is None:  # the database was lost, and the new run has not expanded the mapped task yet
            raise _refused(500, "insert on table xcom violates foreign key constraint xcom_task_instance_fkey")
        # What happened, in the note of a failed task, is text for people. It names the call that failed, so runs with
        # different failed calls would never be in the same state.
        value = {**msg.value, "happened": ""} if msg.key == "failure" else msg.value
        task.xcoms[msg.key] = json.dumps(value)
        return OKResponse(ok=True)

    def _write_DeleteXCom(self, msg: Any) -> OKResponse:
        if task := self._instance(msg):
            task.xcoms.pop(msg.key, None)
        return OKResponse(ok=True)

    def _write_SucceedTask(self, msg: Any) -> OKResponse:
        del msg
        run, task = self._present()
        run.end_attempt(task, "success", self._clock.now)
        return OKResponse(ok=True)

    def _write_TaskState(self, msg: Any) -> OKResponse:
        run, task = self._present()
        run.end_attempt(task, str(getattr(msg.state, "value", msg.state)), self._clock.now)
        return OKResponse(ok=True)

    def _write_RetryTask(self, msg: Any) -> OKResponse:
        run, task = self._present()
        run.end_attempt(task, "up_for_retry", self._clock.now, getattr(msg, "retry_delay_seconds", None))
        return OKResponse(ok=True)

    def _write_DeferTask(self, msg: Any) -> OKResponse:
        task = self._present()[1]
        task.state, task.next_method = "deferred", msg.next_method
        task.next_kwargs, task.trigger = msg.next_kwargs, (msg.classpath, json.dumps(msg.trigger_kwargs))
        return OKResponse(ok=True)

    def _write_CreateHITLDetailPayload(self, msg: Any) -> HITLDetailRequestResult:
        task = self._present()[1]
        task.question = task.question or (msg.subject, msg.body)
        shown = {**msg.model_dump(exclude={"type"}), "subject": task.question[0], "body": task.question[1]}
        return HITLDetailRequestResult(**shown)

    def _write_AwaitInputTask(self, msg: Any) -> OKResponse:
        task = self._present()[1]
        task.state, task.next_method, task.next_kwargs = "awaiting_input", msg.next_method, msg.next_kwargs
        task.answer_by = math.inf if msg.timeout is None else self._clock.now + msg.timeout.total_seconds()
        return OKResponse(ok=True)

    def _write_SkipDownstreamTasks(self, msg: Any) -> OKResponse:
        run = self._present()[0]
        for one in msg.tasks:
            run.mark(run.tasks[one if isinstance(one, str) else one[0]], "skipped")
        return OKResponse(ok=True)


def _not_found(message: str) -> AirflowRuntimeError:
    return _refused(404, message)


def _refused(status: int, message: str) -> AirflowRuntimeError:
    detail = {"status_code": status, "message": message}
    return AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail))
