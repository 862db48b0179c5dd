"""
Change moto's memory and the files together: a request changes both or neither.

moto changes its memory first. If the file cannot be written, for example because the disk is full, the memory gets its
former content back.
"""

from __future__ import annotations

import copy
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.s3.models import FakeKey, s3_backends

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.s3.files import PendingFile, S3Files, StoredBucket, StoredObject, StoredRequest

_SECRET_HEADERS = ("x-amz-security-token", "x-amz-date", "x-amz-content-sha256")
# Requests to an object with these queries change nothing that is stored in files.
_UNSTORED = frozenset({"acl", "legal-hold", "partNumber", "retention", "tagging", "uploads"})
# What moto keeps about an object besides its metadata. Some of these have no public name in moto.
_ATTRIBUTES = (
    *("_storage_class", "_version_id", "_is_versioned", "encryption", "kms_key_id", "bucket_key_enabled"),
    *("checksum_algorithm", "checksum_value", "checksum_type", "checksum_parts", "website_redirect_location"),
)


@dataclass(frozen=True)
class ObjectRequest:
    """A request that may change a bucket or an object. An empty ``key`` means the bucket itself."""

    method: str
    bucket: str
    key: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def read(cls, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> ObjectRequest:
        """Read the names of the bucket and the object from a path."""
        bucket, _, key = (unquote(part) for part in path.lstrip("/").partition("/"))
        return cls(method, bucket, key, query, headers, body)

    @property
    def arguments(self) -> dict[str, list[str]]:
        """The values of the query, by name."""
        return parse_qs(self.query, keep_blank_values=True)


class Change:
    """
    The change that a request will make. Create it before moto answers the request.

    :raises OSError: the new configuration of a bucket cannot be written.
    """

    def __init__(self, backend: Any, files: S3Files, request: ObjectRequest) -> None:
        self._backend = backend
        self._files = files
        self._request = request
        self._bucket = backend.buckets.get(request.bucket)
        self._pending: PendingFile | None = None
        self._keys: dict[str, list[Any]] = {}
        self._uploads: dict[str, Any] = {}
        if self._bucket is not None:
            self._remember()

    def _remember(self) -> None:
        request, keys = self._request, self._bucket.keys
        if request.key:
            self._keys = {request.key: list(keys.getlist(request.key, []))}
            # moto discards an upload's parts when the upload completes, but a client may try again after a failure.
            for upload in request.arguments.get("uploadId", []) if request.method == "POST" else []:
                if upload in self._bucket.multiparts:
                    self._uploads[upload] = copy.deepcopy(self._bucket.multiparts[upload])
        elif request.method == "POST":  # DeleteObjects, or a form upload, whose key is in the form
            self._keys = {key: list(keys.getlist(key)) for key in keys}
        elif request.method == "PUT" or request.query:
            self._pending = self._files.prepare_bucket(request.bucket, self._new_configuration())

    def _new_configuration(self) -> StoredBucket:
        request = self._request
        before = self._files.read_bucket(request.bucket).settings
        settings = {name: stored for name, stored in before.items() if name != request.query}
        if request.query and request.method == "PUT":
            names = [name for name in request.headers if name.startswith("x-amz-") and name not in _SECRET_HEADERS]
            stored = StoredRequest({name: request.headers[name] for name in names}, request.body)
            settings[request.query] = stored
        return StoredBucket(self._bucket.region_name, settings)

    def commit(self) -> None:
        """Write what moto has changed to the files.

        :raises OSError: a file cannot be written. moto's memory is as it was before the request.
        """
        try:
            self._write()
        except BaseException:
            self.undo()
            raise

    def _write(self) -> None:
        request, current = self._request, self._backend.buckets.get(self._request.bucket)
        # moto keeps a list of every object ever created. If it were not cleared, overwritten objects would fill memory.
        FakeKey.instances_tracked.clear()  # type: ignore[attr-defined]
        if current is None:
            self._files.delete_bucket(request.bucket)
        elif self._bucket is None:
            self._files.write_bucket(request.bucket, StoredBucket(current.region_name))
        elif request.key:
            if _UNSTORED.isdisjoint(request.arguments):
                save(self._files, request.bucket, request.key, current_object(current, request.key))
        elif "delete" in request.arguments:
            self._files.delete_all_but(request.bucket, {key for key in current.keys if current_object(current, key)})
        elif request.method == "POST":
            for key in current.keys:
                if current.keys.getlist(key) != self._keys.get(key):
                    save(self._files, request.bucket, key, current_object(current, key))
        elif self._pending:
            self._pending.commit()

    def undo(self) -> None:
        """Restore the former content of moto's memory."""
        buckets, request = self._backend.buckets, self._request
        if self._pending:
            self._pending.discard()
        if self._bucket is None:
            if request.bucket in buckets:
                self._backend.delete_bucket(request.bucket)
            return
        if request.bucket not in buckets:
            buckets[request.bucket] = self._bucket
            s3_backends.bucket_accounts[request.bucket] = (self._bucket.partition, ACCOUNT_ID)
        for key in {*self._keys, *(self._bucket.keys if request.method == "POST" and not request.key else ())}:
            versions = self._keys.get(key, [])
            now = self._bucket.keys.getlist(key, [])
            if now != versions:
                self._restore_versions(key, versions, now)
        for upload, value in self._uploads.items():
            self._bucket.multiparts.setdefault(upload, value)

    def _restore_versions(self, key: str, versions: list[Any], now: list[Any]) -> None:
        keys = self._bucket.keys
        kept = [version for version in versions if not getattr(version, "disposed", False)]
        if kept or now:
            keys.setlist(key, kept)
        if not kept:
            dict.pop(keys, key, None)
        if versions and versions[-1] not in kept:
            restore(self._backend, self._bucket.name, self._files.read(self._bucket.name, key))


def current_object(bucket: Any, key: str) -> FakeKey | None:
    """Return the current version of an object; None if it does not exist."""
    current = bucket.keys.get(key)
    return current if isinstance(current, FakeKey) else None  # moto lists delete markers among the objects


def save(files: S3Files, bucket: str, key: str, current: FakeKey | None) -> None:
    """Write or remove the file of an object."""
    if current is None:
        files.delete(bucket, key)
        return
    metadata = {name: str(value) for name, value in current.metadata.items()}
    modified = current.last_modified.replace(tzinfo=datetime.UTC).timestamp()
    attributes = {name: getattr(current, name) for name in _ATTRIBUTES}
    files.write(bucket, StoredObject(key, metadata, current.etag.strip('"'), modified, current.value, attributes))


def restore(backend: Any, bucket: str, stored: StoredObject) -> None:
    """Put an object from a file into moto's memory."""
    key = backend.put_object(bucket, stored.key, stored.body, etag=stored.etag)
    key.set_metadata(stored.metadata)
    for name in _ATTRIBUTES:
        if name in stored.attributes:
            setattr(key, name, stored.attributes[name])
    key.last_modified = datetime.datetime.fromtimestamp(stored.modified, tz=datetime.UTC).replace(tzinfo=None)
