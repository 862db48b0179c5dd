"""The S3 in memory answers like the simulator's own S3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.fakes.aws_simulator import start_simulator
from tools.simulate.account import MemoryAccount
from tools.simulate.clock import VirtualClock
from tools.simulate.environment import ENDPOINT
from tools.simulate.wire import Wire

BUCKET = "bucket-1"
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("head_bucket", {}),
    ("put_object", {"Key": "a/b.txt", "Body": b"one"}),
    ("get_object", {"Key": "a/b.txt"}),
    ("get_object", {"Key": "a/b.txt", "Range": "bytes=1-"}),
    ("get_object", {"Key": "a/b.txt", "IfMatch": '"other"'}),
    ("get_object", {"Key": "missing"}),
    ("head_object", {"Key": "a/b.txt"}),
    ("head_object", {"Key": "missing"}),
    ("put_object", {"Key": "a/b.txt", "Body": b"two", "IfNoneMatch": "*"}),
    ("put_object", {"Key": "new", "Body": b"two", "IfNoneMatch": "*"}),
    ("put_object", {"Key": "a/b.txt", "Body": b"two", "IfMatch": '"other"'}),
    ("put_object", {"Key": "missing", "Body": b"two", "IfMatch": '"other"'}),
    ("copy_object", {"Key": "copy", "CopySource": {"Bucket": BUCKET, "Key": "a/b.txt"}}),
    ("get_object", {"Key": "copy"}),
    ("list_objects_v2", {"Prefix": "a/"}),
    ("list_objects_v2", {"Prefix": "none/"}),
    ("delete_object", {"Key": "copy"}),
    ("delete_object", {"Key": "missing"}),
    ("put_object", {"Key": "c/<&>", "Body": b"three"}),
    ("delete_objects", {"Delete": {"Objects": [{"Key": "c/<&>"}, {"Key": "missing"}], "Quiet": True}}),
    ("get_object", {"Key": "c/<&>"}),
    ("get_bucket_tagging", {}),
]
COMPARED = ("ETag", "ContentLength", "ContentRange", "KeyCount", "IsTruncated", "BucketRegion")


def answer(client: BaseClient, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of an answer that the pipeline reads."""
    try:
        found = getattr(client, method)(Bucket=BUCKET, **arguments)
    except ClientError as error:
        return {"code": error.response["Error"]["Code"], "status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
    parts = {name: found[name] for name in COMPARED if name in found}
    parts["copied"] = found.get("CopyObjectResult", {}).get("ETag")
    parts["body"] = found["Body"].read() if "Body" in found else None
    parts["keys"] = [(one["Key"], one["Size"], one["ETag"]) for one in found.get("Contents", [])]
    parts["status"] = found["ResponseMetadata"]["HTTPStatusCode"]
    return parts


@contextmanager
def memory_s3() -> Iterator[tuple[MemoryAccount, BaseClient]]:
    """Connect botocore to an account in memory."""
    account = MemoryAccount(())
    with Wire(account, VirtualClock(account)).connected():
        client = boto3.client(
            "s3",
            endpoint_url=ENDPOINT,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        client.create_bucket(Bucket=BUCKET)
        yield account, client
    account.close()


@pytest.fixture
def memory() -> Iterator[tuple[MemoryAccount, BaseClient]]:
    with memory_s3() as opened:
        yield opened


def test_both_give_the_same_answers(tmp_path: Path) -> None:
    with memory_s3() as (_, client):
        ours = [answer(client, method, arguments) for method, arguments in REQUESTS]
    with start_simulator(tmp_path / "state") as simulator:
        real = simulator.boto("s3")
        real.create_bucket(Bucket=BUCKET)
        theirs = [answer(real, method, arguments) for method, arguments in REQUESTS]
    for (method, arguments), mine, other in zip(REQUESTS, ours, theirs, strict=True):
        assert mine == other, (method, arguments)


def test_an_earlier_state_comes_back(memory: tuple[MemoryAccount, BaseClient]) -> None:
    account, client = memory
    answer(client, "put_object", {"Key": "kept", "Body": b"1"})
    snapshot = account.objects.snapshot()
    answer(client, "put_object", {"Key": "kept", "Body": b"2"})
    answer(client, "put_object", {"Key": "later", "Body": b"3"})
    account.objects.restore(snapshot)
    assert account.objects.keys(BUCKET, "") == ["kept"]
    assert account.objects.read(BUCKET, "kept") == b"1"


def test_a_request_that_is_not_simulated_is_refused(memory: tuple[MemoryAccount, BaseClient]) -> None:
    with pytest.raises(RuntimeError, match="of a bucket is not simulated"):
        answer(memory[1], "get_bucket_cors", {})
    with pytest.raises(RuntimeError, match="is not simulated"):
        answer(memory[1], "get_object_tagging", {"Key": "a"})
