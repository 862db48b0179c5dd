"""
Let the planned faults happen inside the processes of a real Airflow.

``airflow_local_settings.py`` of the crash table installs this module in the scheduler, from which all tasks are forked,
and in the triggerer. Calls are counted as in ``tools/simulate/wire.py``: requests to AWS, and messages that change
Airflow's state. If a person acts after a fault, the process first waits until the driver has paused the DAG, so that
nothing else happens before the act.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import CommsDecoder
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.endpoint import Endpoint
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from bedrock_distill.hooks.in_flight import OWNER
from bedrock_distill.triggers.polling import PollingTrigger
from tools.chaos.planned_fault import Place, PlannedFault, Plans
from tools.simulate.faults import Kind

OUTAGE_SECONDS = 120.0
DRIVER_SECONDS = 180.0  # the longest wait for the driver
# The messages that change Airflow's state: those that `tools/simulate/api_server.py` writes.
CHANGING = frozenset(
    {
        "SetXCom",
        "DeleteXCom",
        "SucceedTask",
        "TaskState",
        "RetryTask",
        "DeferTask",
        "CreateHITLDetailPayload",
        "AwaitInputTask",
        "SkipDownstreamTasks",
    }
)
_THROTTLED = (429, {"x-amzn-errortype": "ThrottlingException"}, b'{"message": "Too many requests"}')
_SLOW_DOWN: tuple[int, dict[str, str], bytes] = (
    503,
    {},
    b"<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>",
)


class _Raw:
    """The body of a made-up response, as botocore reads it from urllib3."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Any:
        """Yield the body."""
        yield self._content

    def read(self, *_: Any, **__: Any) -> bytes:
        """Return the body."""
        return self._content


class Process:
    """
    A task or a trigger of this process.

    :param plans: the plans of the stack.
    """

    def __init__(self, plans: Plans, ti: Any, kind: str) -> None:
        self.plans, self.dag_id, self.run_id, self.kind = plans, str(ti.dag_id), str(ti.run_id), kind
        index = -1 if ti.map_index is None else ti.map_index
        self.task = str(ti.task_id) if index < 0 else f"{ti.task_id}[{index}]"
        self.planned = plans.read(self.dag_id)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._outage: Kind | None = None
        self._outage_ends = 0.0
        self.number = 1
        while not plans.mark(self.dag_id, f"{self.run_id}.{self.task}.{kind}.{self.number}"):
            self.number += 1

    def pass_on(self, what: str, act: Callable[[], Any], request: AWSPreparedRequest | None = None) -> Any:
        """Make a call, unless something goes wrong with it."""
        with self._lock:
            self._counts[what] += 1
            place = Place(self.task, self.kind, self.number, what, self._counts[what])
        self.plans.record(self.dag_id, self.run_id, place)
        fault = self._fault_at(place)
        if fault and fault.is_kill:
            return self._end(fault, act)
        if request is None:
            return act()
        kind = fault.kind if fault else self._outage_now()
        return self._disturbed(kind, act, request) if kind else act()

    def _fault_at(self, place: Place) -> PlannedFault | None:
        fault = self.planned
        if fault is None or (fault.run_id, fault.place) != (self.run_id, place):
            return None
        if not self.plans.mark(self.dag_id, "met", str(os.getpid())):
            return None
        if fault.is_acted_on:
            self._wait_for("go")
        return fault

    def _wait_for(self, name: str) -> None:
        deadline = time.monotonic() + DRIVER_SECONDS
        while self.plans.marked(self.dag_id, name) is None and time.monotonic() < deadline:
            time.sleep(0.1)

    def _end(self, fault: PlannedFault, act: Callable[[], Any]) -> Any:
        if fault.kind is Kind.KILLED_AFTER:
            act()
        if self.kind == "trigger":
            # The triggerer runs the triggers of all cases. So only this trigger stops, until Airflow cancels it.
            self.plans.mark(self.dag_id, "stopped")
            self._wait_for("released")
            raise ConnectionError("The trigger was stopped at this call.")
        if fault.is_acted_on:
            os.kill(os.getppid(), signal.SIGKILL)  # otherwise, the worker would report at once that the task has died
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    def _outage_now(self) -> Kind | None:
        return self._outage if time.monotonic() < self._outage_ends else None

    def _disturbed(self, kind: Kind, act: Callable[[], Any], request: AWSPreparedRequest) -> Any:
        if kind in (Kind.OUTAGE, Kind.THROTTLED, Kind.LOST) and self._outage is None:
            self._outage = Kind.THROTTLED if kind is Kind.THROTTLED else Kind.OUTAGE
            self._outage_ends = time.monotonic() + OUTAGE_SECONDS
        if kind is Kind.OUTAGE:
            raise EndpointConnectionError(endpoint_url=request.url)
        if kind in (Kind.THROTTLED, Kind.THROTTLED_ONCE):
            status, headers, body = _SLOW_DOWN if is_s3(request) else _THROTTLED
            return AWSResponse(request.url, status, HeadersDict(headers), _Raw(body))
        answer = act()
        _ = answer.content  # read the whole answer, so that the connection can be used again
        if kind is Kind.LATE:
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind is Kind.TWICE:
            request.reset_stream()
            return act()
        raise ConnectionClosedError(endpoint_url=request.url, request=request, error=ConnectionError("calibration"))


def is_s3(request: AWSPreparedRequest) -> bool:
    """Return whether a request goes to S3."""
    header = request.headers.get("Authorization") or b""
    return "/s3/" in (header.decode() if isinstance(header, bytes) else str(header))


def _replace(owner: Any, name: str, function: Any) -> None:
    setattr(owner, name, function)


class Faults:
    """
    The calls of this process and of all processes that are forked from it.

    :param plans: the plans of the stack.
    """

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._task: Process | None = None
        self._triggers: dict[int, tuple[object, Process]] = {}
        self._operation = threading.local()
        self._lock = threading.Lock()

    def install(self) -> None:
        """Stand at every call."""
        self._install_for_tasks()
        self._install_for_aws()
        original = PollingTrigger.on_kill

        async def on_kill(trigger: Any) -> None:
            await original(trigger)
            if trigger.task_instance is not None:
                self._plans.mark(trigger.task_instance.dag_id, "on_kill")

        _replace(PollingTrigger, "on_kill", on_kill)

    def _install_for_tasks(self) -> None:
        run, send = task_runner.run, CommsDecoder.send

        def run_counted(ti: Any, *arguments: Any, **named: Any) -> Any:
            self._task = Process(self._plans, ti, "task")
            return run(ti, *arguments, **named)

        def send_counted(comms: Any, msg: Any) -> Any:
            if self._task is None or type(msg).__name__ not in CHANGING:
                return send(comms, msg)
            return self._task.pass_on(type(msg).__name__, lambda: send(comms, msg))

        _replace(task_runner, "run", run_counted)
        _replace(CommsDecoder, "send", send_counted)

    def _install_for_aws(self) -> None:
        make_request, send = Endpoint.make_request, URLLib3Session.send

        def make_named_request(endpoint: Endpoint, operation_model: Any, request_dict: Any) -> Any:
            self._operation.name = str(operation_model.name)
            return make_request(endpoint, operation_model, request_dict)

        def send_counted(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            process = self._task or self._trigger()
            if process is None:
                return send(session, request)
            answer: AWSResponse = process.pass_on(self._what(request), lambda: send(session, request), request)
            return answer

        _replace(Endpoint, "make_request", make_named_request)
        _replace(URLLib3Session, "send", send_counted)

    def _what(self, request: AWSPreparedRequest) -> str:
        if not is_s3(request):
            return str(self._operation.name)
        path = request.url.partition("://")[2].partition("?")[0].partition("/")[2]
        return f"{request.method.capitalize()}{'Object' if '/' in path.strip('/') else 'Bucket'}"

    def _trigger(self) -> Process | None:
        """Return the trigger for which this thread sends a request."""
        owner: Any = OWNER.get()
        ti = getattr(owner, "task_instance", None)
        if ti is None:
            return None
        with self._lock:
            known = self._triggers.get(id(owner))
            if known is None or known[0] is not owner:
                self._triggers[id(owner)] = known = owner, Process(self._plans, ti, "trigger")
            return known[1]
