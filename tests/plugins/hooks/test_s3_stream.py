from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ResponseStreamingError
from hypothesis import given
from hypothesis import strategies as st

from bedrock_distill.hooks import s3 as s3_hook
from bedrock_distill.hooks import s3_stream
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.core.errors import NotFoundError, TransientError
from tests.fakes.aws_simulator import RunningSimulator, start_simulator

URI = "s3://bucket/a/rows.jsonl"
BODY = b"".join(b"line %d\n" % number for number in range(200))


class CutBody(BytesIO):
    """A body whose connection breaks after ``length`` bytes."""

    def __init__(self, body: bytes, length: int) -> None:
        super().__init__(body[:length])
        self.whole = length >= len(body)

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        if not count and not self.whole:
            raise ResponseStreamingError(error="cut")
        return count


class CuttingClients:
    """Answers GetObject with bodies that break after the lengths given; then with whole ones."""

    def __init__(self, *lengths: int) -> None:
        self.lengths = list(lengths)
        self.ranges: list[str | None] = []

    def call(self, service: str, method: str, what: str, **parameters: Any) -> dict[str, Any]:
        assert (service, method, what) == ("s3", "get_object", URI)
        found = parameters.get("Range")
        self.ranges.append(found)
        assert found is None or parameters["IfMatch"] == "tag"
        rest = BODY[int(found.removeprefix("bytes=").removesuffix("-")) if found else 0 :]
        body = CutBody(rest, self.lengths.pop(0) if self.lengths else len(rest))
        return {"Body": body, "ContentLength": len(rest), "ETag": "tag"}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_stream.time, "sleep", lambda _: None)


@given(st.lists(st.integers(1, 900), max_size=6))
def test_an_object_is_read_whole_wherever_its_connection_breaks(lengths: list[int]) -> None:
    with S3ObjectStore(CuttingClients(*lengths)).reader(URI) as body:  # type: ignore[arg-type]
        assert b"".join(body) == BODY


def test_reading_goes_on_behind_the_last_byte() -> None:
    clients = CuttingClients(10, 20)
    assert S3ObjectStore(clients).read(URI) == BODY  # type: ignore[arg-type]
    assert clients.ranges == [None, "bytes=10-", "bytes=30-"]


def test_a_connection_that_stays_broken_is_a_passing_error() -> None:
    clients = CuttingClients(10, *[0] * 9)
    with pytest.raises(TransientError, match=f"get_object {URI}"):
        S3ObjectStore(clients).read(URI)  # type: ignore[arg-type]
    assert len(clients.ranges) == 1 + len(s3_stream.RECONNECT_PAUSE_SECONDS)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    folder: Path = tmp_path_factory.mktemp("aws_simulator")
    with start_simulator(folder) as running:
        running.boto("s3").create_bucket(Bucket="bucket")
        yield running


class Clients:
    """The boto3 clients of an AWS simulator, as the store calls them."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.simulator = simulator
        self.methods: list[str] = []

    def call(self, service: str, method: str, what: str, **parameters: Any) -> Any:
        with s3_stream.named_errors(f"{method} {what}"):
            self.methods.append(method)
            return getattr(self.simulator.boto(service), method)(**parameters)


@pytest.mark.parametrize(("size", "method"), [(100, "put_object"), (101, "upload_fileobj")])
def test_a_stream_is_uploaded_whole_at_the_end_of_its_block(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, size: int, method: str
) -> None:
    monkeypatch.setattr(s3_hook, "UPLOAD_SPOOL_BYTES", 100)
    clients = Clients(simulator)
    store = S3ObjectStore(clients)  # type: ignore[arg-type]
    with store.writer(URI) as body:
        for _ in range(size):
            body.write(b"x")
    assert clients.methods == [method]
    assert store.read(URI) == b"x" * size


def test_a_stream_larger_than_a_part_comes_back(simulator: RunningSimulator) -> None:
    store = S3ObjectStore(Clients(simulator))  # type: ignore[arg-type]
    line = b"0123456789" * 100 + b"\n"
    with store.writer(URI) as body:
        for _ in range(9000):
            body.write(line)
    with store.reader(URI) as body:
        assert sum(found == line for found in body) == 9000


def test_an_object_is_copied_within_s3(simulator: RunningSimulator) -> None:
    clients = Clients(simulator)
    store = S3ObjectStore(clients)  # type: ignore[arg-type]
    store.write("s3://bucket/from here", b"body")
    store.copy("s3://bucket/from here", "s3://bucket/to")
    assert clients.methods == ["put_object", "copy"]
    assert store.read("s3://bucket/to") == b"body"
    with pytest.raises(NotFoundError, match="s3://bucket/never"):
        store.copy("s3://bucket/never", "s3://bucket/to")


def test_a_block_that_raises_uploads_nothing(simulator: RunningSimulator) -> None:
    store = S3ObjectStore(Clients(simulator))  # type: ignore[arg-type]

    def write() -> None:
        with store.writer("s3://bucket/never") as body:
            body.write(b"half")
            raise ValueError("broken off")

    with pytest.raises(ValueError, match="broken off"):
        write()
    with pytest.raises(NotFoundError), store.reader("s3://bucket/never"):
        pass
