"""A read that is not made again has the answer that it would have, and leaves the same trace."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.tools.simulate.conftest import opened
from tools.simulate.account import MemoryAccount
from tools.simulate.clock import VirtualClock, virtual_time
from tools.simulate.environment import ENDPOINT
from tools.simulate.faults import Fault, Kind
from tools.simulate.known_calls import KnownCalls
from tools.simulate.parts import SYNTHESIS
from tools.simulate.repeatable import Repeatable
from tools.simulate.search import random_schedules, shuffled_single_faults
from tools.simulate.wire import Process, Wire

BUCKET = "bucket-1"


class Setting:
    """A client of S3 and one of Bedrock, whose reads are kept."""

    def __init__(self) -> None:
        self.account = MemoryAccount((), throughput_seconds=600.0, model_units=1)
        self.clock = VirtualClock(self.account)
        self.wire = Wire(self.account, self.clock)
        self.calls = KnownCalls(self.account, self.wire, Repeatable(self.account))
        self.calls.known = {}
        self.account.objects.objects[BUCKET] = {}
        config = Config(retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        options: Any = {"endpoint_url": ENDPOINT, "region_name": "us-east-1", "config": config, **keys}
        self.s3: Any = boto3.client("s3", **options)
        self.bedrock: Any = boto3.client("bedrock", **options)

    def read(self) -> bytes:
        content: bytes = self.s3.get_object(Bucket=BUCKET, Key="k")["Body"].read()
        return content


@pytest.fixture
def setting() -> Iterator[Setting]:
    made = Setting()
    running = made.wire.running(Process("t", "task"))
    with virtual_time(made.clock), made.wire.connected(), made.calls.connected(), running:
        yield made
    made.account.close()


def test_a_repeated_read_is_recorded_but_not_sent(setting: Setting) -> None:
    setting.s3.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    assert [setting.read(), setting.read()] == [b"1", b"1"]
    assert setting.calls.repeated == 1
    assert [one.what for one in setting.wire.calls] == ["PutObject", "GetObject", "GetObject"]
    assert [one.number for one in setting.wire.calls] == [0, 1, 2]


def test_a_change_of_what_is_read_is_seen(setting: Setting) -> None:
    for content in (b"1", b"2"):
        setting.s3.put_object(Bucket=BUCKET, Key="k", Body=content)
        assert setting.read() == content
    assert [one["Key"] for one in setting.s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["k"]
    setting.s3.delete_object(Bucket=BUCKET, Key="k")
    assert "Contents" not in setting.s3.list_objects_v2(Bucket=BUCKET)
    assert setting.calls.repeated == 0


def test_an_error_is_raised_again_with_the_same_class(setting: Setting) -> None:
    errors = []
    for _ in range(2):
        with pytest.raises(setting.s3.exceptions.NoSuchKey) as caught:
            setting.read()
        errors.append((caught.value.response, str(caught.value)))
    assert errors[0] == errors[1]
    assert setting.calls.repeated == 1


def test_a_read_of_bedrock_depends_on_the_state_and_the_time(setting: Setting) -> None:
    def status() -> str:
        answer = setting.bedrock.get_provisioned_model_throughput(provisionedModelId="one")
        return str(answer["status"])

    with pytest.raises(ClientError):
        status()
    setting.bedrock.create_provisioned_model_throughput(
        provisionedModelName="one", modelId="amazon.nova-micro-v1:0:128k", modelUnits=1
    )
    before = status()
    setting.clock.sleep(700)
    assert (before, status()) == ("Creating", "InService")


def test_a_disturbed_read_is_sent(setting: Setting) -> None:
    setting.s3.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    setting.read()
    setting.wire.faults = {2: Fault(2, Kind.LOST_ONCE)}
    with pytest.raises(ConnectionClosedError):
        setting.read()
    assert setting.wire.process.met == Fault(2, Kind.LOST_ONCE)
    assert setting.calls.repeated == 0


def test_the_schedules_of_a_mapped_task_are_the_same_without_known_calls(tmp_path: Path) -> None:
    for world in opened(tmp_path, SYNTHESIS, keeps_ends=False):
        schedules = [*shuffled_single_faults(world, 4)[:6], *islice(random_schedules(world, 4), 3)]
        with world.worker.remembering():
            known = [world.run(one) for one in schedules]
            assert world.worker.calls.repeated > len(schedules)
        assert [world.run(one) for one in schedules] == known
