from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ResponseStreamingError
from hypothesis import given
from hypothesis import strategies as st

from bedrock_distill.hooks import s3_stream
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.core.errors import TransientError

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
    """Clients whose GetObject returns bodies that break after the given lengths, and after that complete bodies."""

    def __init__(self, *lengths: int) -> None:
        self.lengths = list(lengths)
        self.ranges: list[str | None] = []

    def call(self, service: str, method: str, what: str, **parameters: Any) -> dict[str, Any]:
        assert (service, method, what) == ("s3", "get_object", URI)
        byte_range = parameters.get("Range")
        self.ranges.append(byte_range)
        assert byte_range is None or parameters["IfMatch"] == "tag"
        rest = BODY[int(byte_range.removeprefix("bytes=").removesuffix("-")) if byte_range else 0 :]
        body = CutBody(rest, self.lengths.pop(0) if self.lengths else len(rest))
        return {"Body": body, "ContentLength": len(rest), "ETag": "tag"}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_stream.time, "sleep", lambda _: None)


@given(st.lists(st.integers(1, 900), max_size=6))
def test_an_object_is_read_completely_wherever_the_connection_breaks(lengths: list[int]) -> None:
    with S3ObjectStore(CuttingClients(*lengths)).reader(URI) as body:  # type: ignore[arg-type]
        assert b"".join(body) == BODY


def test_reading_continues_after_the_last_byte() -> None:
    clients = CuttingClients(10, 20)
    assert S3ObjectStore(clients).read(URI) == BODY  # type: ignore[arg-type]
    assert clients.ranges == [None, "bytes=10-", "bytes=30-"]


def test_a_connection_that_stays_broken_is_a_transient_error() -> None:
    clients = CuttingClients(10, *[0] * 9)
    with pytest.raises(TransientError, match=f"get_object {URI}"):
        S3ObjectStore(clients).read(URI)  # type: ignore[arg-type]
    assert len(clients.ranges) == 1 + len(s3_stream.RECONNECT_PAUSE_SECONDS)


def test_a_received_byte_resets_the_count_of_reconnections() -> None:
    reconnections = 3 * len(s3_stream.RECONNECT_PAUSE_SECONDS)
    clients = CuttingClients(*[1] * reconnections)
    assert S3ObjectStore(clients).read(URI) == BODY  # type: ignore[arg-type]
    assert len(clients.ranges) == 1 + reconnections
