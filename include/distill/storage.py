"""
Objects by URI: the one seam between the domain and where its files lie.

Everything above reads and writes whole objects under ``s3://bucket/key`` URIs through an :class:`ObjectStore`. The
hook in ``plugins/`` is the one for S3; tests use one in memory. Rows are JSONL, one object per line, UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any, Protocol

import jsonlines

from include.distill.errors import ContractError

Record = dict[str, Any]


class ObjectStore(Protocol):
    """Whole objects under a URI. A write replaces and is atomic, as S3's is."""

    def read(self, uri: str) -> bytes:
        """Return the object's bytes.

        :raises NotFoundError: nothing lies under ``uri``.
        """

    def write(self, uri: str, body: bytes) -> None:
        """Put ``body`` under ``uri``, replacing what was there."""

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


def encode_jsonl(records: Iterable[Record]) -> bytes:
    """Return ``records`` as JSONL; text stays as it is, not escaped to ASCII."""
    text = StringIO()
    with jsonlines.Writer(text, dumps=lambda record: json.dumps(record, ensure_ascii=False)) as writer:
        writer.write_all(records)
    return text.getvalue().encode()


def decode_jsonl(body: bytes, *, uri: str) -> Iterator[Record]:
    """Yield the records of a JSONL object.

    :raises ContractError: a line is no JSON object; names the line.
    """
    # Split at \n only: str.splitlines would also split at U+2028 and U+0085, which JSON strings may hold.
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line:
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


def read_jsonl(store: ObjectStore, uri: str) -> list[Record]:
    """Return all records of the JSONL object at ``uri``."""
    return list(decode_jsonl(store.read(uri), uri=uri))


def write_jsonl(store: ObjectStore, uri: str, records: Iterable[Record]) -> None:
    """Write ``records`` as one JSONL object at ``uri``."""
    store.write(uri, encode_jsonl(records))


def read_json(store: ObjectStore, uri: str) -> Any:
    """Return the JSON value at ``uri``."""
    return json.loads(store.read(uri))


def write_json(store: ObjectStore, uri: str, value: Any) -> None:
    """Write ``value`` as indented JSON at ``uri``."""
    store.write(uri, json.dumps(value, ensure_ascii=False, indent=2).encode())
