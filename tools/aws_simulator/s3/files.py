"""
Store S3 objects and buckets as files, so that they outlive the process.

- ``<folder>/<bucket>/objects/<sha256 of key>``: one line of JSON (key, metadata, ETag, time, attributes), then the
  object's bytes. The file name is a hash because a key can be too long for a file name and can contain any character.
- ``<folder>/<bucket>/bucket.json``: the Region, and the requests that configured the bucket (tags, lifecycle ...).
  These requests are repeated after a restart.

Older versions of objects, the tags, ACLs and locks of objects, and unfinished uploads are not stored.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote


@dataclass(frozen=True)
class StoredObject:
    """One object. ``etag`` has no quotes; ``modified`` is in POSIX seconds.

    ``attributes`` holds what else S3 keeps about an object, such as its storage class. It is empty for a file that an
    earlier version of the simulator wrote.
    """

    key: str
    metadata: dict[str, str]
    etag: str
    modified: float
    body: bytes = field(repr=False)
    attributes: dict[str, str | int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredBucket:
    """A bucket's Region, and the last PUT request for each part of its configuration, such as ``tagging``."""

    region: str
    settings: dict[str, StoredRequest] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredRequest:
    """A PUT request to a bucket. ``headers`` are its ``x-amz-*`` headers without credentials."""

    headers: dict[str, str]
    body: bytes


class PendingFile:
    """
    The new content of a file, in a temporary file next to it. If the process ends before ``commit``, the file keeps its
    old content.

    :raises OSError: the content cannot be written.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._new = path.with_suffix(".tmp")
        try:
            self._new.write_bytes(content)
        except OSError:
            self.discard()
            raise

    def commit(self) -> None:
        """Replace the file atomically."""
        self._new.replace(self._path)

    def discard(self) -> None:
        """Remove the new content."""
        with contextlib.suppress(OSError):
            self._new.unlink(missing_ok=True)


class S3Files:
    """The files under ``folder``. Not thread-safe: calls must not overlap."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def buckets(self) -> list[str]:
        """Return the names of all buckets."""
        return sorted(unquote(path.parent.name) for path in self._folder.glob("*/bucket.json"))

    def read_bucket(self, bucket: str) -> StoredBucket:
        """Read a bucket's Region and the PUT requests that configured the bucket."""
        value = json.loads((self._bucket_folder(bucket) / "bucket.json").read_text())
        settings = {
            query: StoredRequest(request["headers"], base64.b64decode(request["body"]))
            for query, request in value["settings"].items()
        }
        return StoredBucket(value["region"], settings)

    def write_bucket(self, bucket: str, stored: StoredBucket) -> None:
        """Store a bucket's Region and the PUT requests that configured the bucket."""
        self.prepare_bucket(bucket, stored).commit()

    def prepare_bucket(self, bucket: str, stored: StoredBucket) -> PendingFile:
        """Write the new content of a bucket's file next to the old file. ``commit`` then replaces the old file."""
        settings = {
            query: {"headers": request.headers, "body": base64.b64encode(request.body).decode()}
            for query, request in stored.settings.items()
        }
        (self._bucket_folder(bucket) / "objects").mkdir(parents=True, exist_ok=True)
        text = json.dumps({"region": stored.region, "settings": settings})
        return PendingFile(self._bucket_folder(bucket) / "bucket.json", text.encode())

    def delete_bucket(self, bucket: str) -> None:
        """Remove a bucket and its objects."""
        folder = self._bucket_folder(bucket)
        if folder.exists():
            shutil.rmtree(folder)

    def objects(self, bucket: str) -> Iterator[StoredObject]:
        """Yield all objects of a bucket."""
        for path in sorted((self._bucket_folder(bucket) / "objects").iterdir()):
            if not path.suffix:  # a .tmp file is left if the process ends during a write
                yield _read_object(path)

    def read(self, bucket: str, key: str) -> StoredObject:
        """Read an object.

        :raises FileNotFoundError: it does not exist.
        """
        return _read_object(self._path(bucket, key))

    def write(self, bucket: str, stored: StoredObject) -> None:
        """Create or replace an object."""
        header = {name: value for name, value in asdict(stored).items() if name != "body"}
        content = json.dumps(header).encode() + b"\n" + stored.body
        PendingFile(self._path(bucket, stored.key), content).commit()

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object if it exists."""
        self._path(bucket, key).unlink(missing_ok=True)

    def delete_all_but(self, bucket: str, keys: set[str]) -> None:
        """Remove all objects except those with these keys."""
        kept = {self._path(bucket, key) for key in keys}
        for path in (self._bucket_folder(bucket) / "objects").iterdir():
            if path not in kept:
                path.unlink()

    def _bucket_folder(self, bucket: str) -> Path:
        return self._folder / quote(bucket, safe="")

    def _path(self, bucket: str, key: str) -> Path:
        return self._bucket_folder(bucket) / "objects" / hashlib.sha256(key.encode()).hexdigest()


def _read_object(path: Path) -> StoredObject:
    header, _, body = path.read_bytes().partition(b"\n")
    try:
        return StoredObject(**json.loads(header), body=body)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not a file that the simulator has written. {error}") from None
