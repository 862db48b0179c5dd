"""The object server answers as S3 does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tools.benchmarks.processes import server


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with server("object_server") as running:
        yield boto3.client(
            "s3",
            endpoint_url=running.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def test_objects_are_put_read_listed_and_removed(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="a/ä b.json", Body=b"body")
    assert s3.get_object(Bucket="bucket", Key="a/ä b.json")["Body"].read() == b"body"
    assert s3.head_object(Bucket="bucket", Key="a/ä b.json")["ContentLength"] == 4
    listed = s3.list_objects_v2(Bucket="bucket", Prefix="a/")["Contents"]
    assert [(entry["Key"], entry["Size"]) for entry in listed] == [("a/ä b.json", 4)]
    s3.delete_object(Bucket="bucket", Key="a/ä b.json")
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket", Prefix="a/")


def test_a_missing_object_gives_the_errors_of_s3(s3: Any) -> None:
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="bucket", Key="gone")
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="bucket", Key="gone")
