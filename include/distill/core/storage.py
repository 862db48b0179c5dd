"""
Read and write objects by URI, and records as JSON and JSONL.

Every package reads and writes objects under ``s3://bucket/key`` URIs through an :class:`ObjectStore`. A file whose size
depends on the number of rows is streamed. The hook in ``plugins/`` is the store for S3. Tests use an in-memory store.

A JSONL file has one JSON object per line, in UTF-8. The caller passes the type of a file's records (a ``TypedDict``
from a package's ``records.py``). Readers do not check records against the type, because the pipeline itself wrote the
file with the same type. They refuse records of a newer format (:mod:`include.distill.core.formats`), and return records
without the keys ``format`` and ``version``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, Protocol, TypeVar, cast

import jsonlines

from include.distill.core.errors import ContractError
from include.distill.core.formats import Mark, marked, take_mark

RecordT = TypeVar("RecordT")


class ObjectStore(Protocol):
    """A store whose objects are addressed by URI. A write is atomic and replaces any existing object, as in S3."""

    def read(self, uri: str) -> bytes:
        """Return the object's bytes.

        :raises NotFoundError: there is no such object.
        """

    def write(self, uri: str, body: bytes) -> None:
        """Write ``body`` as the object at ``uri``, replacing any existing object."""

    def write_if_absent(self, uri: str, body: bytes) -> bool:
        """Write ``body`` at ``uri`` unless there is an object, in one atomic step. Return whether it was written."""

    def reader(self, uri: str) -> AbstractContextManager[IO[bytes]]:
        """Open the object for reading in pieces or line by line.

        :raises NotFoundError: there is no such object. The error is raised when the ``with`` block is entered.
        """

    def writer(self, uri: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new object for writing in pieces.

        The object replaces any existing object when the block ends. If the block raises, nothing is written.
        """

    def copy(self, source: str, target: str) -> None:
        """Copy the object at ``source`` to ``target`` without downloading it.

        :raises NotFoundError: there is no object at ``source``.
        """

    def exists(self, uri: str) -> bool:
        """Return whether there is an object at ``uri``."""

    def list(self, prefix_uri: str) -> list[str]:
        """Return the URIs of all objects whose URI starts with ``prefix_uri``, sorted."""

    def delete(self, uri: str) -> None:
        """Delete the object at ``uri``; do nothing if there is no object."""


def split_uri(uri: str) -> tuple[str, str]:
    """Split an ``s3://bucket/key`` URI into ``(bucket, key)``.

    :raises ValueError: ``uri`` is not an S3 URI.
    """
    scheme, separator, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not separator or not bucket:
        message = f"Not an S3 URI: {uri!r}; expected s3://bucket/key."
        raise ValueError(message)
    return bucket, key


def decode_jsonl(lines: Iterable[bytes], record: type[RecordT], *, uri: str) -> Iterator[RecordT]:
    r"""Decode the lines of a JSONL file one by one; skip blank lines.

    :param lines: the lines, split only at ``\n``, as a binary file yields them. JSON strings may contain U+2028 and
        U+0085, at which ``str.splitlines`` would also split.
    :param record: the type of the records. The lines are not checked against it.
    :raises ContractError: a line is not a JSON object, or has a newer format; the message names the line.
    """
    # By default, jsonlines uses the fastest installed parser, and parsers differ in what they accept.
    reader = jsonlines.Reader(lines, loads=_loads)
    try:
        for line in reader.iter(type=dict, skip_empty=True):
            take_mark(line, uri)
            yield cast(RecordT, line)
    except jsonlines.InvalidLineError as error:
        cause = error.__cause__
        problem = f"is not JSON ({cause})" if cause else f"is {error.line[:40]!r}; expected a JSON object"
        message = (
            f"{uri} line {error.lineno} {problem}. The file may have been truncated or written by another program."
            " Clear the task that writes the file, or restore an older version of the file."
        )
        raise ContractError(message) from error


def _loads(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def stream_jsonl(store: ObjectStore, uri: str, record: type[RecordT]) -> Iterator[RecordT]:
    """Read the JSONL file at ``uri`` record by record, with one record in memory at a time.

    :raises ContractError: a line is not a JSON object; the message names the line.
    :raises NotFoundError: there is no such object.
    """
    with store.reader(uri) as lines:
        yield from decode_jsonl(lines, record, uri=uri)


def read_jsonl(store: ObjectStore, uri: str, record: type[RecordT]) -> list[RecordT]:
    """Read all records of the JSONL file at ``uri``. Raises the same errors as :func:`stream_jsonl`."""
    return list(stream_jsonl(store, uri, record))


def write_jsonl(store: ObjectStore, uri: str, records: Iterable[Mapping[str, object]]) -> int:
    """Write ``records`` as one JSONL file at ``uri`` and return the number of records.

    An iterator is consumed record by record. If the iterator raises, nothing is written.
    """
    count = 0
    with jsonl_writer(store, uri) as write:
        for record in records:
            write(record)
            count += 1
    return count


@contextmanager
def jsonl_writer(store: ObjectStore, uri: str) -> Iterator[Callable[[Mapping[str, object]], object]]:
    """Open a new JSONL file at ``uri`` and yield a function that adds a record.

    The file exists once the block ends. If the block raises, nothing is written.
    """
    # All stored JSONL files have the default format of jsonlines: characters outside ASCII are not escaped, and a space
    # follows each comma and colon.
    with store.writer(uri) as body, jsonlines.Writer(body) as lines:
        yield lines.write


def read_json(store: ObjectStore, uri: str, record: type[RecordT]) -> RecordT:
    """Read the JSON value at ``uri`` as the type ``record``, without checking the value against the type.

    :raises NotFoundError: there is no such object.
    :raises NewerFormatError: a newer version wrote the object in a format that this version does not know.
    """
    return read_marked_json(store, uri, record)[1]


def read_marked_json(store: ObjectStore, uri: str, record: type[RecordT]) -> tuple[Mark, RecordT]:
    """Read the JSON value at ``uri`` and the mark of the version that wrote it; see :func:`read_json`."""
    value = _loads(store.read(uri))
    mark = take_mark(value, uri) if isinstance(value, dict) else Mark()
    return mark, cast(RecordT, value)


def write_json(store: ObjectStore, uri: str, record: Mapping[str, object]) -> None:
    """Write ``record`` as indented JSON at ``uri``, marked with the format and the version of this pipeline."""
    store.write(uri, _marked_json(record))


def write_json_if_absent(store: ObjectStore, uri: str, record: Mapping[str, object]) -> None:
    """Write ``record`` like :func:`write_json`; do nothing if there is an object at ``uri``."""
    store.write_if_absent(uri, _marked_json(record))


def _marked_json(record: Mapping[str, object]) -> bytes:
    return json.dumps(marked(record), ensure_ascii=False, indent=2).encode()
