"""A planned fault happens once, at its call, inside the process that makes the call."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import CommsDecoder, SetXCom
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.endpoint import Endpoint
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from bedrock_distill.hooks.in_flight import OWNER
from bedrock_distill.triggers.polling import PollingTrigger
from tools.chaos.faults_in_airflow import CHANGING, Faults, Process, is_s3
from tools.chaos.planned_fault import Place, PlannedFault, Plans
from tools.simulate.api_server import ApiServer
from tools.simulate.faults import Kind, Way

TI = SimpleNamespace(dag_id="dag", run_id="run-1", task_id="submit", map_index=-1)


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    return Plans(tmp_path)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *one: found.append(one))
    return found


def request(url: str = "http://127.0.0.1/model", authorization: str = "x/bedrock/y") -> AWSPreparedRequest:
    return AWSRequest(method="GET", url=url, headers={"Authorization": authorization}).prepare()


def answer() -> AWSResponse:
    raw = SimpleNamespace(stream=lambda: iter([b"{}"]))
    return AWSResponse("http://127.0.0.1/model", 200, {}, raw)


def process(plans: Plans, kind: Kind, way: Way = Way.RETRY, *, of: str = "task", occurrence: int = 1) -> Process:
    plans.write("dag", PlannedFault("run-1", Place("submit", of, 1, "Get", occurrence), kind, way))
    return Process(plans, TI, of)


class Calls:
    """Counts how often the other side has received the call."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> AWSResponse:
        self.count += 1
        return answer()


def test_the_messages_are_those_of_the_simulation() -> None:
    assert {f"_write_{name}" for name in CHANGING} == {name for name in vars(ApiServer) if name.startswith("_write_")}


def test_processes_of_a_task_are_numbered(plans: Plans) -> None:
    assert [Process(plans, TI, kind).number for kind in ("task", "task", "trigger")] == [1, 2, 1]
    mapped = SimpleNamespace(**{**vars(TI), "map_index": 1})
    assert (Process(plans, mapped, "task").task, Process(plans, mapped, "task").number) == ("submit[1]", 2)


@pytest.mark.parametrize(("kind", "received"), [(Kind.KILLED_BEFORE, 0), (Kind.KILLED_AFTER, 1)])
def test_a_task_is_killed_at_its_call(plans: Plans, killed: list[Any], kind: Kind, received: int) -> None:
    calls = Calls()
    process(plans, kind).pass_on("Get", calls)
    assert (killed, calls.count) == ([(os.getpid(), signal.SIGKILL)], received)
    assert plans.marked("dag", "met") == str(os.getpid())


def test_the_worker_dies_first_if_a_person_acts(plans: Plans, killed: list[Any]) -> None:
    plans.mark("dag", "go")
    process(plans, Kind.KILLED_BEFORE, Way.CLEAR).pass_on("Get", Calls())
    assert killed == [(os.getppid(), signal.SIGKILL), (os.getpid(), signal.SIGKILL)]


def test_only_the_planned_occurrence_is_disturbed(plans: Plans, killed: list[Any]) -> None:
    tested, calls = process(plans, Kind.KILLED_BEFORE, occurrence=2), Calls()
    tested.pass_on("Get", calls)
    tested.pass_on("Put", calls)
    assert (killed, calls.count) == ([], 2)
    tested.pass_on("Get", calls)
    assert len(killed) == 1


def test_a_fault_happens_once(plans: Plans, killed: list[Any]) -> None:
    plans.mark("dag", "met")
    process(plans, Kind.KILLED_BEFORE).pass_on("Get", Calls())
    assert killed == []


def test_another_run_is_not_disturbed(plans: Plans, killed: list[Any]) -> None:
    plans.write("dag", PlannedFault("run-2", Place("submit", "task", 1, "Get", 1), Kind.KILLED_BEFORE, Way.RETRY))
    Process(plans, TI, "task").pass_on("Get", Calls())
    assert killed == []


def test_a_stopped_trigger_kills_nothing(plans: Plans, killed: list[Any]) -> None:
    for mark in ("go", "released"):
        plans.mark("dag", mark)
    calls = Calls()
    with pytest.raises(ConnectionError, match="stopped at this call"):
        process(plans, Kind.KILLED_AFTER, Way.MARK_FAILED, of="trigger").pass_on("Get", calls, request())
    assert (killed, calls.count, plans.marked("dag", "stopped")) == ([], 1, "")


@pytest.mark.parametrize(
    ("kind", "error", "received", "lasts"),
    [
        (Kind.LOST_ONCE, ConnectionClosedError, 1, False),
        (Kind.LOST, ConnectionClosedError, 1, True),
        (Kind.OUTAGE, EndpointConnectionError, 0, True),
        (Kind.LATE, ReadTimeoutError, 1, False),
    ],
)
def test_an_answer_is_lost(plans: Plans, kind: Kind, error: type[Exception], received: int, lasts: bool) -> None:
    tested, calls = process(plans, kind), Calls()
    with pytest.raises(error):
        tested.pass_on("Get", calls, request())
    assert calls.count == received
    if lasts:
        with pytest.raises(EndpointConnectionError):
            tested.pass_on("Put", calls, request())
    else:
        assert tested.pass_on("Put", calls, request()).status_code == 200


def test_a_message_to_airflow_passes_during_an_outage(plans: Plans) -> None:
    tested = process(plans, Kind.OUTAGE)
    with pytest.raises(EndpointConnectionError):
        tested.pass_on("Get", Calls(), request())
    assert tested.pass_on("SetXCom", lambda: "stored") == "stored"


@pytest.mark.parametrize(
    ("authorization", "status", "text"), [("x/s3/y", 503, b"SlowDown"), ("x/bedrock/y", 429, b"Too many requests")]
)
def test_a_throttled_answer_is_that_of_the_service(plans: Plans, authorization: str, status: int, text: bytes) -> None:
    calls = Calls()
    throttled = process(plans, Kind.THROTTLED_ONCE).pass_on("Get", calls, request(authorization=authorization))
    assert (throttled.status_code, text in throttled.content, calls.count) == (status, True, 0)


def test_a_request_arrives_twice(plans: Plans) -> None:
    calls = Calls()
    assert process(plans, Kind.TWICE).pass_on("Get", calls, request()).status_code == 200
    assert calls.count == 2


def test_s3_is_known_by_the_signature() -> None:
    assert is_s3(request(authorization="x/s3/y"))
    assert not is_s3(request())


class TestInstalled:
    @pytest.fixture(autouse=True)
    def installed(self, plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
        def run(ti: Any, during: Callable[[], None]) -> None:
            during()

        monkeypatch.setattr(task_runner, "run", run)
        monkeypatch.setattr(CommsDecoder, "send", lambda *_: "answered")
        monkeypatch.setattr(Endpoint, "make_request", lambda *_: URLLib3Session().send(request()))
        monkeypatch.setattr(URLLib3Session, "send", lambda *_: answer())
        monkeypatch.setattr(PollingTrigger, "on_kill", PollingTrigger.on_kill)
        Faults(plans).install()

    def test_the_calls_of_a_task_are_recorded(self, plans: Plans) -> None:
        def during() -> None:
            message = SetXCom(key="key", value=1, dag_id="dag", run_id="run-1", task_id="submit", map_index=-1)
            assert CommsDecoder.send(SimpleNamespace(), message) == "answered"  # type: ignore[arg-type]
            operation = SimpleNamespace(name="GetModelCustomizationJob")
            Endpoint.make_request(SimpleNamespace(), operation, {})
            URLLib3Session().send(request("http://127.0.0.1/bucket/key", "x/s3/y"))
            URLLib3Session().send(request("http://127.0.0.1/bucket?prefix=a/b", "x/s3/y"))

        task_runner.run(TI, during)  # type: ignore[arg-type, call-arg]
        recorded = [(one.task, one.what) for one in plans.recorded("dag", "run-1")]
        names = ("SetXCom", "GetModelCustomizationJob", "GetObject", "GetBucket")
        assert recorded == [("submit", name) for name in names]

    def test_the_calls_of_a_trigger_are_recorded(self, plans: Plans) -> None:
        token = OWNER.set(SimpleNamespace(task_instance=TI))
        try:
            for _ in range(2):
                URLLib3Session().send(request("http://127.0.0.1/bucket/key", "x/s3/y"))
        finally:
            OWNER.reset(token)
        found = [(one.process, one.number, one.occurrence) for one in plans.recorded("dag", "run-1")]
        assert found == [("trigger", 1, 1), ("trigger", 1, 2)]

    def test_other_requests_pass(self, plans: Plans) -> None:
        assert URLLib3Session().send(request()).status_code == 200
        assert plans.recorded("dag", "run-1") == []
