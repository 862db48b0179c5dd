"""An object store in memory."""

from __future__ import annotations

from include.distill.errors import NotFoundError


class MemoryStore:
    """Objects by URI; counts writes, so that a test can tell what was written again."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.writes: list[str] = []

    def read(self, uri: str) -> bytes:
        try:
            return self.objects[uri]
        except KeyError:
            raise NotFoundError(uri) from None

    def write(self, uri: str, body: bytes) -> None:
        self.objects[uri] = body
        self.writes.append(uri)

    def exists(self, uri: str) -> bool:
        return uri in self.objects

    def list(self, prefix_uri: str) -> list[str]:
        return sorted(uri for uri in self.objects if uri.startswith(prefix_uri))

    def delete(self, uri: str) -> None:
        self.objects.pop(uri, None)

    def ensure_bucket(self, bucket: str, *, region: str, create: bool) -> str | None:
        return None if create else f"bucket {bucket} does not exist"
