"""Each fault does to a call what its name says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from tools.simulate.account import MemoryAccount
from tools.simulate.clock import START, VirtualClock, virtual_time
from tools.simulate.environment import ENDPOINT
from tools.simulate.faults import Fault, KilledError, Kind
from tools.simulate.wire import OUTAGE_SECONDS, READ_TIMEOUT_SECONDS, Process, Wire

BUCKET = "bucket-1"


class Setting:
    """A wire, and a client that makes one attempt per call."""

    def __init__(self) -> None:
        self.account = MemoryAccount(())
        self.clock = VirtualClock(self.account)
        self.wire = Wire(self.account, self.clock)
        self.account.objects.objects[BUCKET] = {}
        config = Config(retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        self.s3: Any = boto3.client("s3", endpoint_url=ENDPOINT, region_name="us-east-1", config=config, **keys)

    def put(self, key: str = "k") -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")

    @property
    def keys(self) -> list[str]:
        return self.account.objects.keys(BUCKET, "")


@pytest.fixture
def setting() -> Iterator[Setting]:
    made = Setting()
    with virtual_time(made.clock), made.wire.connected(), made.wire.running(Process("t", "task")):
        yield made
    made.account.close()


def plan(setting: Setting, kind: Kind) -> None:
    setting.wire.reset({0: Fault(0, kind)})


@pytest.mark.parametrize(
    ("kind", "error", "took_effect"),
    [
        (Kind.KILLED_BEFORE, KilledError, False),
        (Kind.KILLED_AFTER, KilledError, True),
        (Kind.LOST_ONCE, ConnectionClosedError, True),
        (Kind.LOST, ConnectionClosedError, True),
        (Kind.OUTAGE, EndpointConnectionError, False),
        (Kind.THROTTLED_ONCE, ClientError, False),
        (Kind.THROTTLED, ClientError, False),
        (Kind.LATE, ReadTimeoutError, True),
    ],
)
def test_a_fault_has_its_error_and_its_effect(setting: Setting, kind: Kind, error: Any, took_effect: bool) -> None:
    plan(setting, kind)
    with pytest.raises(error):
        setting.put()
    assert bool(setting.keys) is took_effect


def test_a_request_that_arrives_twice_has_the_second_answer(setting: Setting) -> None:
    plan(setting, Kind.TWICE)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        setting.s3.put_object(Bucket=BUCKET, Key="k", Body=b"1", IfNoneMatch="*")
    assert setting.keys == ["k"]


def test_a_killed_process_cannot_call_again(setting: Setting) -> None:
    plan(setting, Kind.KILLED_BEFORE)
    for _ in range(2):
        with pytest.raises(KilledError):
            setting.put()
    with pytest.raises(KilledError):
        setting.wire.message("SetXCom", lambda: pytest.fail("The message of a dead process arrived."))
    assert len(setting.wire.calls) == 1


@pytest.mark.parametrize("kind", [Kind.OUTAGE, Kind.THROTTLED, Kind.LOST])
def test_an_outage_lasts_five_minutes(setting: Setting, kind: Kind) -> None:
    plan(setting, kind)
    for _ in range(2):
        with pytest.raises((ClientError, EndpointConnectionError, ConnectionClosedError)):
            setting.put("later")
    setting.clock.sleep(OUTAGE_SECONDS)
    setting.put("later")
    assert "later" in setting.keys


def test_a_late_answer_takes_as_long_as_the_time_out(setting: Setting) -> None:
    plan(setting, Kind.LATE)
    with pytest.raises(ReadTimeoutError):
        setting.put()
    assert setting.clock.now == START + READ_TIMEOUT_SECONDS


def test_calls_are_recorded_with_their_task(setting: Setting) -> None:
    setting.put()
    setting.wire.message("SetXCom", lambda: None)
    assert [(one.task, one.what, one.is_aws) for one in setting.wire.calls] == [
        ("t", "PutObject", True),
        ("t", "SetXCom", False),
    ]


def test_an_unseen_call_does_not_belong_to_the_schedule(setting: Setting) -> None:
    plan(setting, Kind.OUTAGE)
    with setting.wire.unseen():
        setting.put()
    assert setting.wire.calls == []
    with pytest.raises(EndpointConnectionError):
        setting.put()


def test_an_error_of_the_model_kills_the_process_and_is_kept(setting: Setting) -> None:
    error = KeyError("a table")
    with patch.object(MemoryAccount, "answer", side_effect=error), pytest.raises(KilledError):
        setting.put()
    assert setting.wire.process.failed_with is error
    with pytest.raises(KilledError):
        setting.put()


def test_an_error_of_a_job_kills_the_process_that_waits(setting: Setting) -> None:
    setting.clock.guard = setting.wire.guarded
    with patch.object(MemoryAccount, "next_due", side_effect=RuntimeError("a job")), pytest.raises(KilledError):
        time.sleep(1)
    assert str(setting.wire.process.failed_with) == "a job"


def test_errors_of_aws_are_not_errors_of_the_model(setting: Setting) -> None:
    plan(setting, Kind.OUTAGE)
    with pytest.raises(EndpointConnectionError):
        setting.put()
    assert (setting.wire.process.is_alive, setting.wire.process.failed_with) == (True, None)


def test_outside_a_process_an_error_of_the_model_is_raised_at_once(setting: Setting) -> None:
    with setting.wire.running(Process("", "task")), pytest.raises(ZeroDivisionError), setting.wire.guarded():
        _ = 1 // 0
