"""
Objects by URI: the one seam between the domain and where its files lie.

Everything above reads and writes objects under ``s3://bucket/key`` URIs through an :class:`ObjectStore`, whole or as
a stream: what grows with the rows is streamed. The hook in ``plugins/`` is the one for S3; tests use one in memory.
Rows are JSONL, one object per line, UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, Protocol

import jsonlines

from include.distill.core.errors import ContractError

Record = dict[str, Any]


class ObjectStore(Protocol):
    """Objects under a URI. A write replaces and is atomic, as S3's is."""

    def read(self, uri: str) -> bytes:
        """Return the object's bytes.

        :raises NotFoundError: nothing lies under ``uri``.
        """

    def write(self, uri: str, body: bytes) -> None:
        """Put ``body`` under ``uri``, replacing what was there."""

    def reader(self, uri: str) -> AbstractContextManager[IO[bytes]]:
        """Open the object to be read piece by piece or line by line.

        :raises NotFoundError: nothing lies under ``uri``; raised on entering.
        """

    def writer(self, uri: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new object to be written piece by piece.

        It replaces what was there when the block ends; when the block raises, nothing is written.
        """

    def copy(self, source: str, target: str) -> None:
        """Put what lies under ``source`` under ``target`` too, without reading it here.

        :raises NotFoundError: nothing lies under ``source``.
        """

    def exists(self, uri: str) -> bool:
        """Tell whether an object lies under ``uri``."""

    def list(self, prefix_uri: str) -> list[str]:
        """Return the URIs of all objects whose URI starts with ``prefix_uri``, sorted."""

    def delete(self, uri: str) -> None:
        """Remove the object; absent is as good as removed."""


def split_uri(uri: str) -> tuple[str, str]:
    """Return ``(bucket, key)`` of an ``s3://bucket/key`` URI.

    :raises ValueError: it is not such a URI.
    """
    scheme, separator, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not separator or not bucket:
        message = f"Not an S3 URI: {uri!r}; expected s3://bucket/key."
        raise ValueError(message)
    return bucket, key


def decode_jsonl(lines: Iterable[bytes], *, uri: str) -> Iterator[Record]:
    r"""Yield the records of a JSONL object.

    :param lines: split at ``\n`` only, as binary files are: JSON strings may hold U+2028 and U+0085.
    :raises ContractError: a line is no JSON object; names the line.
    """
    for number, line in enumerate(lines, start=1):
        if line == b"\n":
            continue
        try:
            record = json.loads(line.decode())
        except ValueError as error:
            message = f"{uri} line {number} is not JSON ({error}). It was not written by this pipeline or was cut."
            raise ContractError(message) from error
        if not isinstance(record, dict):
            message = f"{uri} line {number} holds a {type(record).__name__}, expected an object."
            raise ContractError(message)
        yield record


def stream_jsonl(store: ObjectStore, uri: str) -> Iterator[Record]:
    """Yield the records of the JSONL object at ``uri``; one is in memory at a time."""
    with store.reader(uri) as lines:
        yield from decode_jsonl(lines, uri=uri)


def read_jsonl(store: ObjectStore, uri: str) -> list[Record]:
    """Return all records of the JSONL object at ``uri``."""
    return list(stream_jsonl(store, uri))


def write_jsonl(store: ObjectStore, uri: str, records: Iterable[Record]) -> int:
    """Write ``records`` as one JSONL object at ``uri`` and return how many there were.

    Text stays as it is, not escaped to ASCII. An iterator is consumed record by record; when it raises, nothing is
    written.
    """
    count = 0
    with jsonl_writer(store, uri) as write:
        for record in records:
            write(record)
            count += 1
    return count


@contextmanager
def jsonl_writer(store: ObjectStore, uri: str) -> Iterator[Callable[[Record], object]]:
    """Give a function that adds a record to the JSONL object at ``uri``, which is there when the block ends."""
    with store.writer(uri) as body, jsonlines.Writer(body, dumps=_as_json) as lines:
        yield lines.write


def _as_json(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False)


def read_json(store: ObjectStore, uri: str) -> Any:
    """Return the JSON value at ``uri``."""
    return json.loads(store.read(uri))


def write_json(store: ObjectStore, uri: str, value: Any) -> None:
    """Write ``value`` as indented JSON at ``uri``."""
    store.write(uri, json.dumps(value, ensure_ascii=False, indent=2).encode())
