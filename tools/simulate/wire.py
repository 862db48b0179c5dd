"""Stand at every call that a process makes to AWS or to Airflow, and let the planned faults happen there."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest.mock import patch

from airflow.sdk.exceptions import AirflowRuntimeError
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import BotoCoreError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from tools.simulate.account import Answer, MemoryAccount
from tools.simulate.clock import VirtualClock
from tools.simulate.faults import KILLS, OTHERS, READS, SLEEPS, Call, Fault, KilledError, Kind, Way

ReturnT = TypeVar("ReturnT")

READ_TIMEOUT_SECONDS = 120.0
OUTAGE_SECONDS = 300.0
_OF_THE_PROCESS = (KilledError, AirflowRuntimeError, BotoCoreError)  # what a real process would see
_THROTTLED = Answer(
    429,
    {"content-type": "application/json", "x-amzn-errortype": "ThrottlingException", "x-simulated": "true"},
    b'{"message": "Too many requests, please wait before trying again."}',
)
_SLOW_DOWN = Answer(
    503,
    {"content-type": "application/xml", "x-simulated": "true"},
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>',
)


@dataclass
class Process:
    """
    A process of Airflow: a task or the triggerer.

    :ivar task: the label of the task; empty outside any process.
    :ivar failed_with: an error of the model, until the worker raises it again.
    :ivar is_stale: whether Airflow no longer knows this process.
    :ivar outage: an outage that this process has met, and when it ends.
    :ivar has_asked_aws: whether the process has made a call to AWS.
    """

    task: str
    kind: str
    is_alive: bool = True
    is_stale: bool = False
    outage: Kind | None = None
    outage_ends: float = 0.0
    met: Fault | None = None
    run_id: str = ""
    failed_with: BaseException | None = None
    has_asked_aws: bool = False

    def outage_now(self, now: float) -> Kind | None:
        """Return the outage that the process meets now."""
        return self.outage if now < self.outage_ends else None


class Body(io.BytesIO):
    """The body of a response, as botocore reads it from urllib3."""

    def stream(self, size: int = 1024, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the body."""
        del decode_content
        while block := self.read(size):
            yield block


def _texts(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    return {key: value.decode() if isinstance(value, bytes) else value for key, value in headers.items()}


@dataclass
class Wire:
    """
    All calls of one schedule.

    :ivar faults: what is to happen, by the number of the call.
    :ivar calls: the calls so far.
    :ivar process: the process that runs now.
    :ivar while_asleep: what happens while the process of a task sleeps before a call.
    :ivar let_pass: lets another run take place before a call, and returns whether Airflow still knows the process.
    :ivar meets_others: whether another run is tried before some calls: before each write, and before the first read of
        each process. Until the process writes, another run changes only what the process has not read yet.
    """

    account: MemoryAccount
    clock: VirtualClock
    faults: Mapping[int, Fault] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    process: Process = field(default_factory=lambda: Process("", "task"))
    while_asleep: Callable[[Fault], None] = field(default=lambda _: None)
    let_pass: Callable[[Fault], bool] = field(default=lambda _: True)
    meets_others: bool = False

    def reset(self, faults: Mapping[int, Fault]) -> None:
        """Begin another schedule."""
        self.faults, self.calls = faults, []

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """Make calls inside the block that do not belong to the schedule."""
        kept = self.faults, self.calls
        self.faults, self.calls = {}, []
        try:
            yield
        finally:
            self.faults, self.calls = kept

    @contextmanager
    def running(self, process: Process) -> Iterator[None]:
        """Let a process run inside the block."""
        before, self.process = self.process, process
        try:
            yield
        finally:
            self.process = before

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """
        Run code of the model inside the block, which a process has called.

        If the model itself fails, the process is killed, so that neither the pipeline nor Airflow's task runner takes
        the error for one of AWS or of the task. The worker raises the error again.
        """
        process = self.process
        try:
            yield
        except _OF_THE_PROCESS:
            raise
        except BaseException as error:
            if not process.task:
                raise
            process.is_alive, process.failed_with = False, process.failed_with or error
            raise KilledError from error

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Connect botocore to the account inside the block. No request leaves the process."""

        def send(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            return self.send(request)

        with patch.object(URLLib3Session, "send", send):
            yield

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request of botocore, in place of its HTTP session."""

        def act() -> Answer:
            body = request.body
            if body is None or isinstance(body, (bytes, bytearray, str)):
                content = body.encode() if isinstance(body, str) else bytes(body or b"")
            else:
                content = body.read()
                body.seek(0)
            headers = _texts(request.headers)
            return self.account.answer(request.method, request.url, headers, content)

        with self.guarded():
            answer = self._pass(self.account.operation(request.method, request.url), act, request)
        return AWSResponse(request.url, answer.status, answer.headers, Body(answer.body))

    def message(self, what: str, act: Callable[[], ReturnT]) -> ReturnT:
        """Pass on a message that changes Airflow's state."""
        done: ReturnT = self._pass(what, act, None)
        return done

    @property
    def is_undisturbed(self) -> bool:
        """Whether the next call is made by a living process, and no fault and no outage disturbs it."""
        process = self.process
        is_planned = len(self.calls) in self.faults
        return process.is_alive and not is_planned and process.outage_now(self.clock.now) is None

    def record(self, what: str, *, is_aws: bool) -> Call:
        """Add a call of the present process to the calls of the schedule."""
        process = self.process
        is_crossing = self.meets_others and is_aws and not (process.has_asked_aws and what.startswith(READS))
        process.has_asked_aws |= is_aws
        call = Call(len(self.calls), process.task, process.kind, what, is_aws, process.run_id, is_crossing)
        self.calls.append(call)
        return call

    def _pass(self, what: str, act: Callable[[], Any], request: AWSPreparedRequest | None) -> Any:
        process = self.process
        if not process.is_alive:
            raise KilledError
        call = self.record(what, is_aws=request is not None)
        fault = self._fault_at(call, process)
        if fault and fault.kind in KILLS:
            if fault.kind is Kind.KILLED_AFTER:
                act()
            process.is_alive = False
            raise KilledError
        if request is None:
            return act()
        kind = fault.kind if fault else process.outage_now(self.clock.now)
        return self._disturbed(kind, process, act, request) if kind else act()

    def _fault_at(self, call: Call, process: Process) -> Fault | None:
        """Return what goes wrong with a call. If its process must sleep before it, let the process sleep first."""
        fault = self.faults.get(call.number)
        if fault is not None and fault.kind in OTHERS:
            return self._meet(fault, call, process)
        if fault is None or fault.kind not in SLEEPS:
            process.met = fault or process.met
            return fault
        if process.kind != "task" or process.is_stale:
            return None
        process.met, process.is_stale = fault, True
        self.while_asleep(fault)
        return Fault(fault.at, Kind.KILLED_AFTER) if fault.kind is Kind.OVERTAKEN_ENDED else None

    def _meet(self, fault: Fault, call: Call, process: Process) -> Fault | None:
        """Let another run take place. The process dies only if a person then marks its task."""
        if not call.meets_others or process.is_stale:
            return None
        process.is_stale = not self.let_pass(fault)
        if process.is_stale or fault.way is Way.RETRY:
            return None
        process.met = fault
        return Fault(fault.at, Kind.KILLED_BEFORE)

    def _disturbed(self, kind: Kind, process: Process, act: Callable[[], Any], request: AWSPreparedRequest) -> Any:
        if kind in (Kind.OUTAGE, Kind.THROTTLED, Kind.LOST) and process.outage is None:
            process.outage = Kind.THROTTLED if kind is Kind.THROTTLED else Kind.OUTAGE
            process.outage_ends = self.clock.now + OUTAGE_SECONDS
        url = request.url
        if kind is Kind.OUTAGE:
            raise EndpointConnectionError(endpoint_url=url)
        if kind in (Kind.THROTTLED, Kind.THROTTLED_ONCE):
            is_s3 = "/s3/" in str(request.headers.get("Authorization"))
            return _SLOW_DOWN if is_s3 else _THROTTLED
        act()
        if kind is Kind.LATE:
            self.clock.sleep(READ_TIMEOUT_SECONDS)
            raise ReadTimeoutError(endpoint_url=url)
        if kind is Kind.TWICE:
            return act()
        raise ConnectionClosedError(endpoint_url=url, request=request, error=ConnectionError("simulated"))
