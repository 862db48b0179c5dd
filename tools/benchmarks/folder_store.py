"""Store objects as files in a folder, for cases that run in one process and must not measure S3."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from include.distill.core.errors import NotFoundError
from include.distill.core.naming import content_hash
from include.distill.core.storage import split_uri


class FolderStore:
    """An :class:`include.distill.core.storage.ObjectStore` in a folder. Incomplete files have temporary names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, uri: str) -> bytes:
        """Return the object's bytes."""
        with self.reader(uri) as body:
            return body.read()

    def write(self, uri: str, body: bytes) -> None:
        """Store ``body`` under ``uri``."""
        with self.writer(uri) as file:
            file.write(body)

    def write_if_absent(self, uri: str, body: bytes) -> bool:
        """Store ``body`` under ``uri`` unless an object is stored there. Return whether it was stored."""
        path = self._path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(body)
        except FileExistsError:
            return False
        return True

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        """Return the object's bytes and their hash."""
        body = self.read(uri)
        return body, content_hash(body)

    def write_if_unchanged(self, uri: str, body: bytes, version: str) -> bool:
        """Replace the object if its bytes still have this hash. This is not atomic, so only one process may write."""
        if not self.exists(uri) or content_hash(self.read(uri)) != version:
            return False
        self.write(uri, body)
        return True

    @contextmanager
    def reader(self, uri: str) -> Iterator[IO[bytes]]:
        """Open the object so that it can be read in pieces."""
        try:
            body = self._path(uri).open("rb")
        except FileNotFoundError:
            raise NotFoundError(f"There is no object {uri}.") from None
        with body:
            yield body

    @contextmanager
    def writer(self, uri: str) -> Iterator[IO[bytes]]:
        """Open a new object so that it can be written in pieces."""
        path = self._path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        number, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
        try:
            with os.fdopen(number, "wb") as body:
                yield body
            Path(draft).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(draft).unlink()
            raise

    def copy(self, source: str, target: str) -> None:
        """Copy the object at ``source`` to ``target``."""
        with self.reader(source) as old, self.writer(target) as new:
            shutil.copyfileobj(old, new)

    def exists(self, uri: str) -> bool:
        """Return whether there is an object at ``uri``."""
        return self._path(uri).is_file()

    def list(self, prefix_uri: str) -> list[str]:
        """Return the URIs of all objects that start with ``prefix_uri``, sorted."""
        files = (path for path in self._folder.rglob("*") if path.is_file() and not path.name.startswith(".draft-"))
        uris = (f"s3://{path.relative_to(self._folder).as_posix()}" for path in files)
        return sorted(uri for uri in uris if uri.startswith(prefix_uri))

    def delete(self, uri: str) -> None:
        """Remove the object; do nothing when it does not exist."""
        self._path(uri).unlink(missing_ok=True)

    def _path(self, uri: str) -> Path:
        bucket, key = split_uri(uri)
        return self._folder / bucket / key
