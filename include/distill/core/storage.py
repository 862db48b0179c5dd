"""
Read and write objects by URI, and records as JSON and JSONL.

Every package reads and writes objects under ``s3://bucket/key`` URIs through an :class:`ObjectStore`. A file whose size
depends on the number of rows is streamed. The hook in ``plugins/`` is the store for S3. Tests use an in-memory store.

A JSONL file has one JSON object per line, in UTF-8. The caller passes the type of a file's records (a ``TypedDict``
from a package's ``records.py``). Readers check every record against the type
(:mod:`include.distill.core.record_types`), because an earlier version or a person may have written the file. They
refuse records of a newer format (:mod:`include.distill.core.formats`), and return records without the keys ``format``
and ``version``. Errors name the task to clear (:mod:`include.distill.core.stored_objects`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, Protocol, TypeVar, cast

import jsonlines

from include.distill.core.errors import MissingObjectError, NotFoundError
from include.distill.core.formats import FORMAT_KEY, Mark, marked, take_mark
from include.distill.core.record_types import record_check, record_fault
from include.distill.core.stored_objects import broken_record, missing_object

RecordT = TypeVar("RecordT")

# The error codes of a missing object. In-memory stores give no code. For a HEAD request, S3 returns only a status.
_NO_OBJECT = ("", "404", "NoSuchKey")
_scan = json.JSONDecoder().raw_decode


class ObjectStore(Protocol):
    """A store whose objects are addressed by URI. A write is atomic and replaces any existing object, as in S3."""

    def read(self, uri: str) -> bytes:
        """Return the object's bytes.

        :raises NotFoundError: there is no such object.
        """

    def write(self, uri: str, body: bytes) -> None:
        """Write ``body`` as the object at ``uri``, replacing any existing object."""

    def write_if_absent(self, uri: str, body: bytes) -> bool:
        """Write ``body`` in one atomic step, unless an object exists at ``uri``. Return whether it was written."""

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        """Return the object's bytes and its version, a string that changes whenever different bytes are written.

        :raises NotFoundError: there is no such object.
        """

    def write_if_unchanged(self, uri: str, body: bytes, version: str) -> bool:
        """Replace the object at ``uri`` with ``body``, in one atomic step, unless it has changed or was deleted.

        :param version: the version that :meth:`read_versioned` returned.
        :return: whether ``body`` was written.
        """

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


def decode_jsonl(
    lines: Iterable[bytes], record: type[RecordT], *, uri: str, head: type | None = None
) -> Iterator[RecordT]:
    r"""Decode the lines of a JSONL file one by one; skip blank lines.

    :param lines: the lines, split only at ``\n``, as a binary file yields them. JSON strings may contain U+2028 and
        U+0085, at which ``str.splitlines`` would also split.
    :param record: the type of the records.
    :param head: the type of the first record, if the first record has a different type than the others.
    :raises StoredRecordError: a line is not a JSON object or not a record; the message names the line.
    :raises NewerFormatError: a line has a newer format.
    """
    # By default, jsonlines uses the fastest installed parser, and parsers differ in what they accept.
    reader = jsonlines.Reader(lines, loads=_record_loader(record, uri, head))
    try:
        yield from cast(Iterator[RecordT], reader.iter(type=dict, skip_empty=True))
    except jsonlines.InvalidLineError as error:
        cause = error.__cause__
        if isinstance(cause, _RecordFaultError):
            fault = str(cause)
        else:
            fault = f"is not JSON ({cause})" if cause else f"is {error.line[:40]!r}; expected a JSON object"
        raise broken_record(uri, fault, line=error.lineno) from error


class _RecordFaultError(ValueError):
    """A line is a JSON object, but not a record of the expected type. The message is the end of a sentence."""


def _record_loader(record: type, uri: str, head: type | None) -> Callable[[str | bytes], Any]:
    """
    Return a function that parses and checks a line.

    The function raises ``ValueError`` if the line is wrong. The library jsonlines then adds the line's number.
    """
    find_fault, find_next_fault = record_check(head or record), record_check(record)

    def load(text: str | bytes) -> Any:
        nonlocal find_fault
        value = _loads_line(cast(str, text))  # jsonlines has decoded it
        if isinstance(value, dict):
            if FORMAT_KEY in value:
                take_mark(value, uri)
            if fault := find_fault(value):
                raise _RecordFaultError(fault)
            find_fault = find_next_fault
        return value

    return load


def _loads(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _loads_line(text: str) -> Any:
    """Parse a line. For a line that this pipeline wrote, this is faster than ``json.loads``."""
    if text.startswith("{"):
        try:
            value, end = _scan(text)
            if text[end:] in ("", "\n"):
                return value
        except (ValueError, RecursionError):
            pass  # json.loads fails too, with the position in its message
    return _loads(text)


def stream_jsonl(store: ObjectStore, uri: str, record: type[RecordT], *, head: type | None = None) -> Iterator[RecordT]:
    """Read the JSONL file at ``uri`` record by record, with one record in memory at a time.

    :param head: the type of the first record, if the first record has a different type than the others.
    :raises StoredRecordError: a line is not a JSON object or not a record; the message names the line.
    :raises MissingObjectError: there is no such object.
    """
    with _advice_if_missing(uri), store.reader(uri) as lines:
        yield from decode_jsonl(lines, record, uri=uri, head=head)


@contextmanager
def _advice_if_missing(uri: str) -> Iterator[None]:
    """Replace the error about a missing object with one that names the task to clear."""
    try:
        yield
    except MissingObjectError:
        raise
    except NotFoundError as error:
        if error.code not in _NO_OBJECT:
            raise
        raise missing_object(uri) from error


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
    """Read the JSON value at ``uri`` as the type ``record``.

    :raises MissingObjectError: there is no such object.
    :raises StoredRecordError: the object is not JSON or not a record; the message names the task to clear.
    :raises NewerFormatError: a newer version wrote the object in a format that this version does not know.
    """
    return read_marked_json(store, uri, record)[1]


def read_marked_json(store: ObjectStore, uri: str, record: type[RecordT]) -> tuple[Mark, RecordT]:
    """Read the JSON value at ``uri`` and its mark (format and version); see :func:`read_json`."""
    with _advice_if_missing(uri):
        body = store.read(uri)
    return _parse_json(body, uri, record)


def read_versioned_json(store: ObjectStore, uri: str, record: type[RecordT]) -> tuple[RecordT, str]:
    """Read the JSON value at ``uri`` and the object's version, for :func:`replace_json`; see :func:`read_json`."""
    with _advice_if_missing(uri):
        body, version = store.read_versioned(uri)
    return _parse_json(body, uri, record)[1], version


def _parse_json(body: bytes, uri: str, record: type[RecordT]) -> tuple[Mark, RecordT]:
    try:
        value = _loads(body)
    except ValueError as error:
        raise broken_record(uri, f"is not JSON ({error})") from error
    mark = take_mark(value, uri) if isinstance(value, dict) else Mark()
    if fault := record_fault(record, value):
        raise broken_record(uri, fault)
    return mark, cast(RecordT, value)


def write_json(store: ObjectStore, uri: str, record: Mapping[str, object]) -> None:
    """Write ``record`` as indented JSON at ``uri``, marked with the format and the version of this pipeline."""
    store.write(uri, _marked_json(record))


def write_json_if_absent(store: ObjectStore, uri: str, record: Mapping[str, object]) -> None:
    """Write ``record`` like :func:`write_json`; do nothing if there is an object at ``uri``."""
    store.write_if_absent(uri, _marked_json(record))


def replace_json(store: ObjectStore, uri: str, record: Mapping[str, object], version: str | None) -> bool:
    """
    Write ``record`` like :func:`write_json`, unless the object has changed since it was read.

    :param version: the version from :func:`read_versioned_json`; ``None`` if there was no object.
    :return: whether the stored object now equals ``record``. If the response to a write is lost, botocore sends the
        request again, and S3 refuses the repetition. So a refused write is compared with what is stored.
    """
    body = _marked_json(record)
    if store.write_if_absent(uri, body) if version is None else store.write_if_unchanged(uri, body, version):
        return True
    try:
        return store.read(uri) == body
    except NotFoundError:
        return False


def _marked_json(record: Mapping[str, object]) -> bytes:
    return json.dumps(marked(record), ensure_ascii=False, indent=2).encode()
