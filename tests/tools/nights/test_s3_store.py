"""The store reads and writes the buckets of the AWS simulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from include.distill.core.errors import NotFoundError
from tests.fakes.aws_simulator import connected_simulator
from tools.nights.s3_store import SimulatedBuckets

URI = "s3://nights/folder/object"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedBuckets]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with connected_simulator(tmp_path, monkeypatch):
        boto3.client("s3").create_bucket(Bucket="nights")
        yield SimulatedBuckets()


def test_an_object_is_written_read_listed_and_deleted(store: SimulatedBuckets) -> None:
    assert not store.exists(URI)
    with store.writer(URI) as body:
        body.write(b"one")
    store.copy(URI, f"{URI}-2")
    with store.reader(f"{URI}-2") as body:
        assert body.read() == b"one"
    assert store.list("s3://nights/folder/") == [URI, f"{URI}-2"]
    store.delete(URI)
    assert not store.exists(URI)
    with pytest.raises(NotFoundError, match="There is no object s3://nights/folder/object"):
        store.read(URI)


def test_an_object_is_replaced_only_in_the_version_that_was_read(store: SimulatedBuckets) -> None:
    assert store.write_if_absent(URI, b"one")
    assert not store.write_if_absent(URI, b"two")
    _, version = store.read_versioned(URI)
    assert store.write_if_unchanged(URI, b"two", version)
    assert not store.write_if_unchanged(URI, b"three", version)
    assert store.read(URI) == b"two"
