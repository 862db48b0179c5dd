"""Keep objects in memory instead of S3."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import IO

from include.distill.cleanup.plan import StoredObject
from include.distill.core.errors import NotFoundError, ServiceError
from include.distill.core.naming import content_hash
from include.distill.core.storage import split_uri

LONG_AGO = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)


class MemoryStore:
    """Store objects by URI, and record every write, so that a test can see what was written again."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.writes: list[str] = []
        self.modified: dict[str, datetime.datetime] = {}
        self.buckets: dict[str, dict[str, str]] = {}
        self.versioned: set[str] = set()
        self.refuse_delete: dict[str, ServiceError] = {}

    def read(self, uri: str) -> bytes:
        try:
            return self.objects[uri]
        except KeyError:
            raise NotFoundError(uri) from None

    def write(self, uri: str, body: bytes) -> None:
        self.objects[uri] = body
        self.writes.append(uri)

    def write_if_absent(self, uri: str, body: bytes) -> bool:
        if uri in self.objects:
            return False
        self.write(uri, body)
        return True

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        body = self.read(uri)
        return body, content_hash(body)

    def write_if_unchanged(self, uri: str, body: bytes, version: str) -> bool:
        if uri not in self.objects or content_hash(self.objects[uri]) != version:
            return False
        self.write(uri, body)
        return True

    @contextmanager
    def reader(self, uri: str) -> Iterator[IO[bytes]]:
        with BytesIO(self.read(uri)) as body:
            yield body

    @contextmanager
    def writer(self, uri: str) -> Iterator[IO[bytes]]:
        with BytesIO() as body:
            yield body
            self.write(uri, body.getvalue())

    def copy(self, source: str, target: str) -> None:
        self.write(target, self.read(source))

    def exists(self, uri: str) -> bool:
        return uri in self.objects

    def list(self, prefix_uri: str) -> list[str]:
        return sorted(uri for uri in tuple(self.objects) if uri.startswith(prefix_uri))

    def delete(self, uri: str) -> None:
        self.objects.pop(uri, None)

    def ensure_bucket(self, bucket: str, *, region: str, create: bool, tags: Mapping[str, str]) -> str | None:
        if create:
            return None
        raise NotFoundError(f"bucket {bucket} does not exist")

    def describe(self, prefix_uri: str) -> Sequence[StoredObject]:
        return [
            StoredObject(uri, len(self.objects[uri]), self.modified.get(uri, LONG_AGO)) for uri in self.list(prefix_uri)
        ]

    def delete_all(self, uris: Sequence[str]) -> None:
        for uri in uris:
            if uri in self.refuse_delete:
                raise self.refuse_delete[uri]
            self.delete(uri)

    def bucket_tags(self, bucket: str) -> dict[str, str] | None:
        return self.buckets.get(bucket)

    def has_versions(self, bucket: str) -> bool:
        return bucket in self.versioned

    def delete_bucket(self, bucket: str) -> None:
        remaining = [uri for uri in self.objects if split_uri(uri)[0] == bucket]
        assert not remaining, f"S3 does not delete {bucket}, because it contains {remaining}"
        self.buckets.pop(bucket, None)
