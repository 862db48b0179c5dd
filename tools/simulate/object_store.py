"""
Keep the objects of S3 in memory, and answer the S3 requests of the pipeline.

The simulator's own S3 is moto, which takes over a millisecond for a request and cannot go back to an earlier state.
``tests/tools/simulate/test_object_store.py`` sends the same requests to both and compares the answers. A request that
this module does not know gets status 501.

The time of an object is that of the last midnight (UTC). An attempt that stores again what the killed one stored would
otherwise leave another state, so that schedules could not share the rest of their processes.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape, unescape

from starlette.requests import Request
from starlette.responses import Response

REGION = "us-east-1"
_PAGE, _DAY = 1000, 86_400
_STALE = "At least one of the pre-conditions you specified did not hold"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True)
class StoredObject:
    """The bytes of an object, its entity tag, and when it was written, in POSIX seconds."""

    body: bytes
    entity_tag: str
    modified: float


class MemoryS3:
    """The buckets in ``objects``, by their name. Each maps the keys of its objects to the objects."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, StoredObject]] = {}

    def snapshot(self) -> dict[str, dict[str, StoredObject]]:
        """Return the present state. Objects never change, so they are not copied."""
        return {bucket: dict(objects) for bucket, objects in self.objects.items()}

    def restore(self, snapshot: Mapping[str, Mapping[str, StoredObject]]) -> None:
        """Go back to an earlier state."""
        self.objects = {bucket: dict(objects) for bucket, objects in snapshot.items()}

    # What the jobs of the simulator use.

    def bucket_region(self, bucket: str) -> str | None:
        """Return the Region of a bucket; None if the bucket does not exist."""
        return REGION if bucket in self.objects else None

    def bucket_policy(self, bucket: str) -> str | None:
        """Return None: no bucket has a policy."""
        return None

    def cors_allows(self, bucket: str, method: str, origin: str) -> bool:
        """Return False: no bucket has a CORS configuration."""
        return False

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return the body of an object; None if it does not exist."""
        found = self.objects.get(bucket, {}).get(key)
        return found.body if found else None

    def write(self, bucket: str, key: str, body: bytes, kms_key: str | None = None) -> None:
        """Write an object."""
        self.objects[bucket][key] = StoredObject(
            body, hashlib.md5(body, usedforsecurity=False).hexdigest(), time.time() // _DAY * _DAY
        )

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the sorted keys that begin with ``prefix``; an empty list if the bucket does not exist."""
        return sorted(key for key in self.objects.get(bucket, {}) if key.startswith(prefix))

    # Requests

    async def handle(self, request: Request, caller: object) -> Response:
        """Answer one S3 request."""
        path, body = unquote(request.scope["raw_path"].decode()), await request.body()
        query = parse_qs(request.scope["query_string"].decode(), keep_blank_values=True)
        bucket, _, key = path.lstrip("/").partition("/")
        if bucket not in self.objects:
            if request.method == "PUT" and not key and not query:
                self.objects[bucket] = {}
                return Response(b"", 200)
            return _error(request.method, "NoSuchBucket", "The specified bucket does not exist", 404)
        if key:
            return self._answer_object(request.method, bucket, key, query, request.headers, body)
        if request.method == "POST" and "delete" in query:
            return self._delete_all(bucket, body)
        return self._answer_bucket(request.method, bucket, query)

    def _answer_bucket(self, method: str, bucket: str, query: Mapping[str, list[str]]) -> Response:
        if method == "HEAD":
            return Response(b"", 200, {"x-amz-bucket-region": REGION})
        if method == "GET" and "list-type" in query:
            return self._list(bucket, query)
        if method == "GET" and "tagging" in query:
            return _error(method, "NoSuchTagSet", "The TagSet does not exist", 404)
        return _error(method, "NotImplemented", f"{method} {query} of a bucket is not simulated", 501)

    def _answer_object(
        self,
        method: str,
        bucket: str,
        key: str,
        query: Mapping[str, list[str]],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Response:
        if set(query) - {"x-id"}:
            return _error(method, "NotImplemented", f"{method} {query} of an object is not simulated", 501)
        found = self.objects[bucket].get(key)
        if method == "PUT" and "x-amz-copy-source" in headers:
            return self._copy(bucket, key, unquote(headers["x-amz-copy-source"]))
        if method == "PUT":
            return self._put(bucket, key, found, headers, body)
        if method == "DELETE":
            self.objects[bucket].pop(key, None)
            return Response(b"", 204)
        if found is None:
            return _error(method, "NoSuchKey", "The specified key does not exist.", 404)
        return _object_response(method, found, headers)

    def _put(
        self, bucket: str, key: str, found: StoredObject | None, headers: Mapping[str, str], body: bytes
    ) -> Response:
        if headers.get("if-match") and found is None:
            return _error("PUT", "NoSuchKey", "The specified key does not exist.", 404)
        stale = found is not None and headers.get("if-match", found.entity_tag).strip('"') != found.entity_tag
        if stale or (found is not None and headers.get("if-none-match") == "*"):
            return _error("PUT", "PreconditionFailed", _STALE, 412)
        self.write(bucket, key, body)
        return Response(b"", 200, {"etag": f'"{self.objects[bucket][key].entity_tag}"'})

    def _copy(self, bucket: str, key: str, source: str) -> Response:
        from_bucket, _, from_key = source.lstrip("/").partition("/")
        copied = self.read(from_bucket, from_key)
        if copied is None:
            return _error("PUT", "NoSuchKey", "The specified key does not exist.", 404)
        self.write(bucket, key, copied)
        stored = self.objects[bucket][key]
        text = (
            f'{_XML}<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<ETag>&quot;{stored.entity_tag}&quot;</ETag><LastModified>{_iso(stored.modified)}</LastModified>"
            "</CopyObjectResult>"
        )
        return Response(text, 200, {"content-type": "application/xml"})

    def _delete_all(self, bucket: str, body: bytes) -> Response:
        """Delete the objects that a request names. Its answer is quiet: it would name only objects that are kept."""
        for key in re.findall("<Key>(.*?)</Key>", body.decode(), re.DOTALL):
            self.objects[bucket].pop(unescape(key), None)
        text = f'{_XML}<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>'
        return Response(text, 200, {"content-type": "application/xml"})

    def _list(self, bucket: str, query: Mapping[str, list[str]]) -> Response:
        keys = self.keys(bucket, query.get("prefix", [""])[0])
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{_iso(stored.modified)}</LastModified>"
            f"<ETag>&quot;{stored.entity_tag}&quot;</ETag><Size>{len(stored.body)}</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for key in keys[:_PAGE]
            for stored in [self.objects[bucket][key]]
        )
        if len(keys) > _PAGE:
            return _error("GET", "NotImplemented", "Lists of more than one page are not simulated", 501)
        text = (
            f'{_XML}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{bucket}</Name><IsTruncated>false</IsTruncated><KeyCount>{len(keys)}</KeyCount>{entries}"
            "</ListBucketResult>"
        )
        return Response(text, 200, {"content-type": "application/xml"})


def _object_response(method: str, found: StoredObject, headers: Mapping[str, str]) -> Response:
    about = {
        "etag": f'"{found.entity_tag}"',
        "last-modified": formatdate(found.modified, usegmt=True),
        "content-type": "binary/octet-stream",
        "accept-ranges": "bytes",
    }
    if headers.get("if-match", found.entity_tag).strip('"') != found.entity_tag:
        return _error(method, "PreconditionFailed", _STALE, 412)
    if method == "HEAD":
        return Response(b"", 200, {**about, "content-length": str(len(found.body))})
    if not (stated := headers.get("range", "")):
        return Response(found.body, 200, about)
    first, last = stated.removeprefix("bytes=").split("-")
    part = found.body[int(first) : int(last) + 1 if last else None]
    if not part:
        return _error(method, "InvalidRange", "The requested range is not satisfiable", 416)
    about["content-range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(found.body)}"
    return Response(part, 206, about)


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment))


def _error(method: str, code: str, message: str, status: int) -> Response:
    if method == "HEAD":
        return Response(b"", status)
    text = f"{_XML}<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Response(text, status, {"content-type": "application/xml"})
