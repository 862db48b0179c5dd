"""Keep objects in memory, because a store in files would take most of the time of an input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO

from include.distill.core.errors import NotFoundError
from include.distill.core.naming import content_hash


class MemoryStore:
    """An :class:`~include.distill.core.storage.ObjectStore` in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def read(self, uri: str) -> bytes:
        """Return the object's bytes."""
        if uri not in self.objects:
            raise NotFoundError(uri)
        return self.objects[uri]

    def write(self, uri: str, body: bytes) -> None:
        """Write an object."""
        self.objects[uri] = body

    def write_if_absent(self, uri: str, body: bytes) -> bool:
        """Write an object unless it exists."""
        if uri in self.objects:
            return False
        self.write(uri, body)
        return True

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        """Return the object's bytes and their hash."""
        body = self.read(uri)
        return body, content_hash(body)

    def write_if_unchanged(self, uri: str, body: bytes, version: str) -> bool:
        """Replace an object whose hash is ``version``."""
        if uri not in self.objects or content_hash(self.objects[uri]) != version:
            return False
        self.write(uri, body)
        return True

    @contextmanager
    def reader(self, uri: str) -> Iterator[IO[bytes]]:
        """Open an object for reading."""
        with BytesIO(self.read(uri)) as body:
            yield body

    @contextmanager
    def writer(self, uri: str) -> Iterator[IO[bytes]]:
        """Open a new object, which is written when the block ends."""
        with BytesIO() as body:
            yield body
            self.write(uri, body.getvalue())

    def copy(self, source: str, target: str) -> None:
        """Copy an object."""
        self.write(target, self.read(source))

    def exists(self, uri: str) -> bool:
        """Return whether an object exists."""
        return uri in self.objects

    def list(self, prefix_uri: str) -> list[str]:
        """Return the URIs below a prefix."""
        return sorted(uri for uri in self.objects if uri.startswith(prefix_uri))

    def delete(self, uri: str) -> None:
        """Delete an object if it exists."""
        self.objects.pop(uri, None)
