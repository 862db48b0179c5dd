"""
Answer S3 requests with moto but without moto's web server, and save every change to files.

moto's backends are global, so a process can have only one simulated S3 at a time.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

from moto.s3.models import FakeKey, s3_backends
from moto.s3.responses import S3Response
from starlette.requests import Request
from starlette.responses import Response

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.moto_calls import MotoThread, ask_moto
from tools.aws_simulator.s3.files import S3Files, StoredBucket, StoredObject, StoredRequest
from tools.aws_simulator.s3.request_checks import S3Error, check_request, failed_request, s3_error

logger = logging.getLogger(__name__)

_CREDENTIAL = "AWS4-HMAC-SHA256 Credential=restored/20200101/{region}/s3/aws4_request, SignedHeaders=host, Signature=0"
_OWNER_HEADERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")
_SECRET_HEADERS = ("x-amz-security-token", "x-amz-date", "x-amz-content-sha256")


class SimulatedS3:
    """moto's S3, with its objects stored under ``folder``."""

    _instance: ClassVar[SimulatedS3 | None] = None

    def __init__(self, folder: Path, moto: MotoThread) -> None:
        if SimulatedS3._instance is not None:
            raise RuntimeError(
                "Another AWS simulator is running in this process, and moto's S3 supports only one at a time. "
                "Nothing was started. Close the other simulator first."
            )
        SimulatedS3._instance = self
        self._files = S3Files(folder)
        self._moto = moto
        self._lock = moto.lock
        self._backend = s3_backends[ACCOUNT_ID]["aws"]
        self._backend.reset()
        for bucket in self._files.buckets():
            self._restore(bucket)

    def close(self) -> None:
        """Release moto's memory. The files are kept."""
        with self._lock:
            self._backend.reset()
        SimulatedS3._instance = None

    async def handle(self, request: Request) -> Response:
        """Answer one S3 request."""
        body, headers = await request.body(), dict(request.headers)
        path, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
        return await self._moto.run(self._answer, request.method, path, query, headers, body)

    def _answer(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Response:
        try:
            check_request(method, path, query, body)
            self._check_owner(headers)
            with self._lock:
                self._check_upload(path, query)
                status, out_headers, content = self._ask(method, path, query, headers, body)
                if status < 300 and method in ("PUT", "POST", "DELETE"):
                    self._write_through(method, path, query, headers, body)
        except S3Error as error:
            return s3_error(error, method)
        except Exception:
            logger.exception("S3 %s failed inside the simulator", method)
            return s3_error(S3Error("InternalError", "The simulator failed; see its log.", 500), method)
        if method != "HEAD":
            out_headers.pop("content-length", None)
        return Response(content, status_code=status, headers={**out_headers, "x-simulated": "true"})

    def _ask(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes | str]:
        buckets, answer = set(self._backend.buckets), None
        try:
            answer = _ask_moto(method, path, query, headers, body)
        except Exception as error:
            logger.info("moto failed on an S3 %s", method, exc_info=True)
            raise failed_request(method, query, headers, body) from error
        finally:
            if answer is None or answer[0] >= 300:
                # moto may refuse or fail after it has created the bucket.
                for bucket in set(self._backend.buckets) - buckets:
                    del self._backend.buckets[bucket]
        if answer[0] >= 500:
            raise failed_request(method, query, headers, body)
        return answer

    def _check_owner(self, headers: Mapping[str, str]) -> None:
        """Refuse a request that expects another bucket owner than the simulated account, which owns all buckets here.

        moto does not check this.
        """
        if any(headers.get(name, ACCOUNT_ID) != ACCOUNT_ID for name in _OWNER_HEADERS):
            raise S3Error("AccessDenied", "Access Denied", 403)

    def _check_upload(self, path: str, query: str) -> None:
        """Refuse a request for an upload that does not exist, such as one that began before a restart.

        :raises S3Error: the upload does not exist.
        """
        bucket = unquote(path.lstrip("/").partition("/")[0])
        upload = parse_qs(query, keep_blank_values=True).get("uploadId")
        if upload and bucket in self._backend.buckets and upload[-1] not in self._backend.buckets[bucket].multiparts:
            raise S3Error(
                "NoSuchUpload",
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted"
                " or completed.",
                404,
            )

    def _write_through(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> None:
        bucket, _, key = (unquote(part) for part in path.lstrip("/").partition("/"))
        # moto keeps a list of every object ever created. If it were not cleared, overwritten objects would fill memory.
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
        current = self._current(bucket, key)
        if current is None:
            self._files.delete(bucket, key)
            return
        metadata = {name: str(value) for name, value in current.metadata.items()}
        modified = current.last_modified.replace(tzinfo=datetime.UTC).timestamp()
        self._files.write(bucket, StoredObject(key, metadata, current.etag.strip('"'), modified, current.value))

    def _save_bucket(self, bucket: str, method: str, query: str, headers: Mapping[str, str], body: bytes) -> None:
        before = self._files.read_bucket(bucket).settings if bucket in self._files.buckets() else {}
        settings = {name: request for name, request in before.items() if name != query}
        if query and method == "PUT":
            names = [name for name in headers if name.startswith("x-amz-") and name not in _SECRET_HEADERS]
            settings[query] = StoredRequest({name: headers[name] for name in names}, body)
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
        for kept in self._files.objects(bucket):
            key = self._backend.put_object(bucket, kept.key, kept.body, etag=kept.etag)
            key.set_metadata(kept.metadata)
            key.last_modified = datetime.datetime.fromtimestamp(kept.modified, tz=datetime.UTC).replace(tzinfo=None)

    def _current(self, bucket: str, key: str) -> Any:
        current = self._backend.buckets[bucket].keys.get(key) if bucket in self._backend.buckets else None
        return current if isinstance(current, FakeKey) else None  # moto lists delete markers among the objects

    def bucket_region(self, bucket: str) -> str | None:
        """Return the Region of a bucket; None if the bucket does not exist."""
        with self._lock:
            backend_bucket = self._backend.buckets.get(bucket)
            return str(backend_bucket.region_name) if backend_bucket else None

    def bucket_policy(self, bucket: str) -> str | None:
        """Return the policy of a bucket as JSON; None if it has none."""
        with self._lock:
            backend_bucket = self._backend.buckets.get(bucket)
            policy = backend_bucket.policy if backend_bucket else None
        return policy.decode() if isinstance(policy, bytes) else policy

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return the body of an object; None if the object does not exist."""
        with self._lock:
            current = self._current(bucket, key)
            return bytes(current.value) if current else None

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys that begin with ``prefix`` in order; none if the bucket does not exist."""
        with self._lock:
            names = list(self._backend.buckets[bucket].keys) if bucket in self._backend.buckets else []
            return sorted(name for name in names if name.startswith(prefix) and self._current(bucket, name))

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object.

        :raises KeyError: the bucket does not exist.
        """
        with self._lock:
            if bucket not in self._backend.buckets:
                raise KeyError(bucket)
            self._backend.put_object(bucket, key, body)
            self._save(bucket, key)


def _ask_moto(
    method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes | str]:
    parts = path.lstrip("/").partition("/")
    if not parts[0]:
        dispatch = S3Response.bucket_dispatch
    elif not parts[2]:
        dispatch = S3Response.ambiguous_dispatch
    else:
        dispatch = S3Response.key_dispatch
    return ask_moto(dispatch, method, path, query, headers, body)
