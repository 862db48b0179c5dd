"""
The S3 half: moto's S3, called in this process without its own web server, and every change written through to files.

moto's backends are global to the process, so there can be one S3 half at a time in it. moto does not guard its
dictionaries against threads: one thread serves all requests, and a lock lets the customization jobs in.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

from moto.core.request import Request as MotoRequest
from moto.s3.models import FakeKey, s3_backends
from moto.s3.responses import S3Response
from starlette.requests import Request
from starlette.responses import Response

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.s3.files import S3Files, StoredBucket, StoredObject, StoredRequest

logger = logging.getLogger(__name__)

_CREDENTIAL = "AWS4-HMAC-SHA256 Credential=restored/20200101/{region}/s3/aws4_request, SignedHeaders=host, Signature=0"
_SECRET_HEADERS = ("x-amz-security-token", "x-amz-date", "x-amz-content-sha256")


class _ServerRequest(MotoRequest):
    """Tells moto that a server in front of it writes the Date header."""

    from_wsgi_server = True


class S3Half:
    """moto's S3 with the objects under ``folder``."""

    _alive: ClassVar[S3Half | None] = None

    def __init__(self, folder: Path) -> None:
        if S3Half._alive is not None:
            raise RuntimeError(
                "Another AWS simulator lives in this process, and moto's S3 can be had once. Stop that one first."
            )
        S3Half._alive = self
        self._files = S3Files(folder)
        self._lock = threading.RLock()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="s3")
        self._backend = s3_backends[ACCOUNT_ID]["aws"]
        self._backend.reset()
        for bucket in self._files.buckets():
            self._restore(bucket)

    def close(self) -> None:
        """Forget what is in memory; the files stay."""
        self._executor.shutdown(wait=True)
        with self._lock:
            self._backend.reset()
        S3Half._alive = None

    async def handle(self, request: Request) -> Response:
        """Answer one S3 request."""
        body, headers = await request.body(), dict(request.headers)
        path, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._answer, request.method, path, query, headers, body)

    def _answer(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Response:
        with self._lock:
            try:
                status, out_headers, content = _ask_moto(method, path, query, headers, body)
                if status < 300 and method in ("PUT", "POST", "DELETE"):
                    self._write_through(method, path, query, headers, body)
            except Exception:
                logger.exception("S3 %s failed inside the simulator", method)
                error = "<Error><Code>InternalError</Code><Message>The simulator failed; see its log.</Message></Error>"
                return Response(error, status_code=500, media_type="application/xml")
        if method != "HEAD":
            out_headers.pop("content-length", None)
        return Response(content, status_code=status, headers=out_headers)

    def _write_through(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> None:
        bucket, _, key = (unquote(part) for part in path.lstrip("/").partition("/"))
        # moto remembers every object that ever was; without this, overwritten ones would stay in memory.
        FakeKey.instances_tracked.clear()  # type: ignore[attr-defined]
        if bucket not in self._backend.buckets:
            self._files.delete_bucket(bucket)
        elif key:
            self._save(bucket, key)
        elif "delete" in parse_qs(query, keep_blank_values=True):
            self._files.delete_all_but(bucket, set(self._backend.buckets[bucket].keys))
        else:
            self._save_bucket(bucket, method, query, headers, body)

    def _save(self, bucket: str, key: str) -> None:
        found = self._current(bucket, key)
        if found is None:
            self._files.delete(bucket, key)
            return
        metadata = {name: str(value) for name, value in found.metadata.items()}
        modified = found.last_modified.replace(tzinfo=datetime.UTC).timestamp()
        self._files.write(bucket, StoredObject(key, metadata, found.etag.strip('"'), modified, found.value))

    def _save_bucket(self, bucket: str, method: str, query: str, headers: Mapping[str, str], body: bytes) -> None:
        known = self._files.read_bucket(bucket).settings if bucket in self._files.buckets() else {}
        kept = {
            name: value for name, value in headers.items() if name.startswith("x-amz-") and name not in _SECRET_HEADERS
        }
        settings = {name: request for name, request in known.items() if name != query}
        if query and method == "PUT":
            settings[query] = StoredRequest(kept, body)
        region = self._backend.buckets[bucket].region_name
        self._files.write_bucket(bucket, StoredBucket(region, settings))

    def _restore(self, bucket: str) -> None:
        stored = self._files.read_bucket(bucket)
        self._backend.create_bucket(bucket, stored.region)
        for query, request in stored.settings.items():
            headers = {
                **request.headers,
                "host": "127.0.0.1",
                "authorization": _CREDENTIAL.format(region=stored.region),
            }
            _ask_moto("PUT", f"/{bucket}", query, headers, request.body)
        for found in self._files.objects(bucket):
            key = self._backend.put_object(bucket, found.key, found.body, etag=found.etag)
            key.set_metadata(found.metadata)
            key.last_modified = datetime.datetime.fromtimestamp(found.modified, tz=datetime.UTC).replace(tzinfo=None)

    def _current(self, bucket: str, key: str) -> Any:
        found = self._backend.buckets[bucket].keys.get(key) if bucket in self._backend.buckets else None
        return found if isinstance(found, FakeKey) else None  # a delete marker is no object

    def bucket_region(self, bucket: str) -> str | None:
        """Return the Region of a bucket; None when there is no such bucket."""
        with self._lock:
            found = self._backend.buckets.get(bucket)
            return str(found.region_name) if found else None

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return an object; None when there is none."""
        with self._lock:
            found = self._current(bucket, key)
            return bytes(found.value) if found else None

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object.

        :raises KeyError: there is no such bucket.
        """
        with self._lock:
            if bucket not in self._backend.buckets:
                raise KeyError(bucket)
            self._backend.put_object(bucket, key, body)
            self._save(bucket, key)


def _ask_moto(
    method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes | str]:
    """Let moto answer a request, as its own server would; headers come back in lower case."""
    url = f"http://{headers['host']}{path}" + (f"?{query}" if query else "")
    request = _ServerRequest.from_primitives(method, url, headers, body)
    parts = path.lstrip("/").partition("/")
    if not parts[0]:
        dispatch = S3Response.bucket_dispatch
    elif not parts[2]:
        dispatch = S3Response.ambiguous_dispatch
    else:
        dispatch = S3Response.key_dispatch
    status, out_headers, content = dispatch(request, request.raw_url, dict(request.headers))
    return status, {str(name).lower(): str(value) for name, value in out_headers.items()}, content
