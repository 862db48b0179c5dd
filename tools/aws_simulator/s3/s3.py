"""
Answer S3 requests with moto but without moto's web server, and save every change to files.

moto's backends are global, so a process can have only one simulated S3 at a time.
"""

from __future__ import annotations

import datetime
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Protocol

from moto.s3.models import s3_backends
from moto.s3.responses import S3Response
from starlette.requests import Request
from starlette.responses import Response

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.moto_calls import MotoThread, ask_moto
from tools.aws_simulator.s3.access import Access, Answer, Refusal, is_deletion
from tools.aws_simulator.s3.authorization import check_authorization
from tools.aws_simulator.s3.bucket_lists import list_buckets
from tools.aws_simulator.s3.bucket_policies import check_policy, policy_status, public_access
from tools.aws_simulator.s3.changes import Change, ObjectRequest, current_object, restore
from tools.aws_simulator.s3.copies import check_copy
from tools.aws_simulator.s3.errors import S3Error, s3_error
from tools.aws_simulator.s3.files import S3Files
from tools.aws_simulator.s3.header_checks import check_headers, check_key_region
from tools.aws_simulator.s3.post_policies import check_form
from tools.aws_simulator.s3.presigned_urls import check_presigned, is_signed
from tools.aws_simulator.s3.request_checks import check_request, failed_request
from tools.aws_simulator.s3.uploads import read_upload

logger = logging.getLogger(__name__)

_CREDENTIAL = "AWS4-HMAC-SHA256 Credential=restored/20200101/{region}/s3/aws4_request, SignedHeaders=host, Signature=0"
_OWNER_HEADERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")
_XML = {"content-type": "application/xml"}
# The action that an unsigned request needs, by its method and by whether it names an object.
_PUBLIC_ACTIONS = {
    ("GET", True): "s3:GetObject",
    ("HEAD", True): "s3:GetObject",
    ("PUT", True): "s3:PutObject",
    ("DELETE", True): "s3:DeleteObject",
    ("GET", False): "s3:ListBucket",
    ("HEAD", False): "s3:ListBucket",
}
_SUBRESOURCES = frozenset(
    {"acl", "attributes", "cors", "encryption", "lifecycle", "location", "logging", "notification", "object-lock"}
    | {"ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment", "tagging"}
    | {"legal-hold", "restore", "retention", "uploadId", "uploads", "versioning", "versions", "website", "accelerate"}
)
_MOST_ITEMS = 1000


class Caller(Protocol):
    """Who makes a request."""

    def check(self, body: bytes) -> None:
        """Raise ``S3Error`` if the caller's credentials are refused."""

    def refusal(self, body: bytes) -> Refusal | None:
        """Return the function that decides what the caller may do; None if the caller may do everything."""


class SimulatedS3:
    """moto's S3, with its objects stored under ``folder``."""

    _instance: ClassVar[SimulatedS3 | None] = None

    def __init__(self, folder: Path, moto: MotoThread) -> None:
        if SimulatedS3._instance is not None:
            raise RuntimeError(
                "Another AWS simulator is running in this process, and moto's S3 supports only one at a time. "
                "Nothing was started. Close the other simulator first."
            )
        self._files = S3Files(folder)
        # The policy texts by bucket name. Other threads read them, so a text is only ever replaced as a whole.
        self._policies: dict[str, str] = {}
        self._moto = moto
        self._lock = moto.lock
        self._backend = s3_backends[ACCOUNT_ID]["aws"]
        self._backend.reset()
        for bucket in self._files.buckets():
            self._restore(bucket)
        SimulatedS3._instance = self

    def close(self) -> None:
        """Release moto's memory. The files are kept."""
        with self._lock:
            self._backend.reset()
        SimulatedS3._instance = None

    async def handle(self, request: Request, caller: Caller) -> Response:
        """Answer one S3 request."""
        body, headers = await request.body(), dict(request.headers)
        path, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
        return await self._moto.run(self._answer, request.method, path, query, headers, body, caller)

    def _answer(
        self,
        method: str,
        path: str,
        query: str,
        headers: dict[str, str],
        body: bytes,
        caller: Caller,
    ) -> Response:
        try:
            check_request(method, path, query, body)
            caller.check(body)
            request = ObjectRequest.read(method, path, query, headers, body)
            answer = self._perform(request, path, caller.refusal(body))
        except S3Error as error:
            return s3_error(error, method)
        except Exception:
            logger.exception("S3 %s failed inside the simulator", method)
            return s3_error(S3Error("InternalError", "The simulator failed; see its log.", 500), method)
        return _response(method, *answer)

    def _perform(self, request: ObjectRequest, path: str, refusal: Refusal | None) -> Answer:
        """Answer a request whose caller is known. ``refusal`` is None if the caller may do everything."""
        self._check_headers(request)
        method, headers, body = request.method, dict(request.headers), request.body
        upload = read_upload(method, headers, body, completes="uploadId" in request.arguments and method == "POST")
        # moto does not see the bucket's policy, so it refuses unsigned requests that the policy allows.
        signed = is_signed(headers, request.arguments, body)
        added = {} if signed else {"authorization": _CREDENTIAL.format(region="us-east-1")}
        received = replace(request, headers={**upload.headers, **added}, body=upload.body)
        with self._lock:
            if refusal is not None and signed:
                access = Access(refusal, self._backend.buckets, self.bucket_policy)
                if is_deletion(received):
                    return access.delete(received, lambda allowed: self._ask(allowed, path))
                access.check(received)
            self._check_upload(received)
            check_copy(self._backend.buckets, received)
            return self._ask(received, path)

    def _check_headers(self, request: ObjectRequest) -> None:
        """Check the headers, and that the request is signed or that the bucket allows unsigned requests."""
        arguments = request.arguments
        check_headers(request.method, request.headers, arguments)
        if bucket := self._backend.buckets.get(request.bucket):
            check_key_region(request.headers, bucket.region_name)
        check_authorization(request.headers, arguments)
        now = datetime.datetime.now(datetime.UTC)
        check_presigned(arguments, now)
        if request.method == "POST" and not request.key:
            check_form(request.bucket, request.headers, request.body, now)
        self._check_owner(request.headers)
        if not is_signed(request.headers, arguments, request.body) and not self._is_public(request):
            raise S3Error("AccessDenied", "Access Denied", 403)

    def _is_public(self, request: ObjectRequest) -> bool:
        """Return whether the policy or an ACL of a bucket allows an unsigned request."""
        creates = request.method == "PUT" and not request.key
        if request.method == "OPTIONS" or (request.bucket not in self._backend.buckets and not creates):
            return bool(request.bucket)  # anyone may learn that a bucket does not exist
        action = _PUBLIC_ACTIONS.get((request.method, bool(request.key)))
        if action is None or not _SUBRESOURCES.isdisjoint(request.arguments):
            return False
        resource = f"arn:aws:s3:::{request.bucket}" + f"/{request.key}" * bool(request.key)
        if public_access(self.bucket_policy(request.bucket), action, resource, {"aws:SecureTransport": "false"}):
            return True
        with self._lock:
            bucket = self._backend.buckets.get(request.bucket)
            shown = current_object(bucket, request.key) if bucket and request.key else bucket
            acl = shown.acl if shown and request.method in ("GET", "HEAD") else None
            return bool(acl and acl.public_read)

    def _ask(self, request: ObjectRequest, path: str) -> Answer:
        own = self._answer_itself(request)
        if own is not None:
            return own
        changes = request.method in ("PUT", "POST", "DELETE")
        change = Change(self._backend, self._files, request) if changes else None
        answer = None
        try:
            answer = _ask_moto(request.method, path, _capped(request.query), request.headers, request.body)
        except Exception as error:
            logger.info("moto failed on an S3 %s", request.method, exc_info=True)
            raise failed_request(request.method, request.query, request.body) from error
        finally:
            # moto may refuse a request or fail after a part of the change, for example after it has created the bucket.
            if change and (answer is None or answer[0] >= 300):
                change.undo()
        if answer[0] >= 500:
            raise failed_request(request.method, request.query, request.body)
        if change and answer[0] < 300:
            change.commit()
            if request.bucket not in self._backend.buckets:
                self._policies.pop(request.bucket, None)
        return answer

    def _answer_itself(self, request: ObjectRequest) -> Answer | None:
        """Answer a request that moto would answer wrongly; None if moto is to answer it."""
        arguments, exists = request.arguments, request.bucket in self._backend.buckets
        if not request.bucket and request.method == "GET":
            return 200, _XML, list_buckets(self._backend.buckets.values(), arguments)
        if exists and not request.key and "policy" in arguments:
            return self._answer_policy(request)
        if exists and not request.key and "policyStatus" in arguments and request.method == "GET":
            return 200, _XML, policy_status(self._policies.get(request.bucket))
        shown = current_object(self._backend.buckets[request.bucket], request.key) if exists and request.key else None
        if shown and "partNumber" in arguments and request.method in ("GET", "HEAD") and "-" in shown.etag:
            # moto forgets where the parts begin, and would return the whole object.
            text = "The AWS simulator's S3 does not return single parts of an object that was uploaded in parts."
            raise S3Error("NotImplemented", text, 501)
        token = arguments.get("continuation-token", [""])[-1]
        if exists and "list-type" in arguments and token and token not in self._backend._pagination_tokens:
            raise S3Error("InvalidArgument", "The continuation token provided is incorrect")
        return None

    def _answer_policy(self, request: ObjectRequest) -> Answer:
        """Answer GetBucketPolicy, PutBucketPolicy and DeleteBucketPolicy."""
        policy = self._policies.get(request.bucket)
        if request.method in ("GET", "HEAD"):
            if policy is None:
                raise S3Error("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
            return 200, {"content-type": "application/json"}, policy
        text = check_policy(request.bucket, request.body) if request.method == "PUT" else None
        Change(self._backend, self._files, replace(request, query="policy")).commit()
        if text is None:
            self._policies.pop(request.bucket, None)
        else:
            self._policies[request.bucket] = text
        return 204, {}, ""

    def _check_owner(self, headers: Mapping[str, str]) -> None:
        """Refuse a request that expects a bucket owner other than the simulated account, which owns all buckets.

        moto does not check this.
        """
        if any(headers.get(name, ACCOUNT_ID) != ACCOUNT_ID for name in _OWNER_HEADERS):
            raise S3Error("AccessDenied", "Access Denied", 403)

    def _check_upload(self, request: ObjectRequest) -> None:
        """Refuse a request for an upload that does not exist, such as one that began before a restart.

        :raises S3Error: the upload does not exist, or it is for another key.
        """
        upload, bucket = request.arguments.get("uploadId"), self._backend.buckets.get(request.bucket)
        if upload and bucket is not None:
            started = bucket.multiparts.get(upload[-1])
            if started is None or started.key_name != request.key:
                raise S3Error(
                    "NoSuchUpload",
                    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been"
                    " aborted or completed.",
                    404,
                )

    def _restore(self, bucket: str) -> None:
        stored = self._files.read_bucket(bucket)
        self._backend.create_bucket(bucket, stored.region)
        for query, request in stored.settings.items():
            if query == "policy":
                self._restore_policy(bucket, request.body)
                continue
            headers = {
                **request.headers,
                "host": "127.0.0.1",
                "authorization": _CREDENTIAL.format(region=stored.region),
            }
            _ask_moto("PUT", f"/{bucket}", query, headers, request.body)
        for kept in self._files.objects(bucket):
            restore(self._backend, bucket, kept)

    def _restore_policy(self, bucket: str, body: bytes) -> None:
        try:
            self._policies[bucket] = check_policy(bucket, body)
        except S3Error as error:  # earlier versions stored any text
            logger.warning("The stored policy of the bucket %s is not valid, so it is ignored: %s", bucket, error)

    def configure(self, bucket: str, query: str, body: bytes) -> None:
        """Create a bucket, or set the part of its configuration that ``query`` names, with the rights of the owner.

        :raises S3Error: S3 refuses the request.
        """
        headers = {"host": "127.0.0.1", "authorization": _CREDENTIAL.format(region="us-east-1")}
        check_request("PUT", f"/{bucket}", query, body)
        request = ObjectRequest("PUT", bucket, "", query, headers, body)
        status, _, content = self._perform(request, f"/{bucket}", None)
        if status >= 300:
            text = content if isinstance(content, str) else content.decode()
            code, message = (re.search(f"<{name}>([^<]*)<", text) for name in ("Code", "Message"))
            raise S3Error(code[1] if code else "Refused", message[1] if message else text, status)

    def bucket_region(self, bucket: str) -> str | None:
        """Return the Region of a bucket; None if the bucket does not exist."""
        with self._lock:
            backend_bucket = self._backend.buckets.get(bucket)
            return str(backend_bucket.region_name) if backend_bucket else None

    def bucket_policy(self, bucket: str) -> str | None:
        """Return the policy of a bucket as JSON; None if it has none."""
        return self._policies.get(bucket)

    def cors_allows(self, bucket: str, method: str, origin: str) -> bool:
        """Return whether the CORS configuration of a bucket lets pages of an origin use a method."""
        with self._lock:
            found = self._backend.buckets.get(bucket)
            rules = list(found.cors) if found else []
        # In an origin of a rule, only * has a special meaning.
        return any(
            method in rule.allowed_methods
            and any(re.fullmatch(".*".join(map(re.escape, one.split("*"))), origin) for one in rule.allowed_origins)
            for rule in rules
        )

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return the body of an object; None if the object does not exist."""
        with self._lock:
            backend_bucket = self._backend.buckets.get(bucket)
            current = current_object(backend_bucket, key) if backend_bucket else None
            return bytes(current.value) if current else None

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the sorted keys of a bucket that begin with ``prefix``; an empty list if the bucket does not exist."""
        with self._lock:
            found = self._backend.buckets.get(bucket)
            names = list(found.keys) if found else []
            return sorted(name for name in names if name.startswith(prefix) and current_object(found, name))

    def write(self, bucket: str, key: str, body: bytes, kms_key: str | None = None) -> None:
        """Write an object.

        :param kms_key: the KMS key of the object; None for the default encryption of the bucket.
        :raises KeyError: the bucket does not exist.
        """
        with self._lock:
            if bucket not in self._backend.buckets:
                raise KeyError(bucket)
            change = Change(self._backend, self._files, ObjectRequest("PUT", bucket, key, "", {}, body))
            method = "aws:kms" if kms_key else None
            self._backend.put_object(bucket, key, body, encryption=method, kms_key_id=kms_key)
            change.commit()


def _capped(query: str) -> str:
    """Return the query with all requested list sizes capped at 1,000, the most that S3 returns."""
    return re.sub(
        r"\b(max-keys|max-uploads|max-parts)=(\d+)",
        lambda match: f"{match[1]}={min(int(match[2]), _MOST_ITEMS)}",
        query,
    )


def _response(method: str, status: int, headers: dict[str, str], content: bytes | str) -> Response:
    if status == 403 and not content:
        return s3_error(S3Error("AccessDenied", "Access Denied", 403), method)
    if status in (204, 304):
        # Such a response has no body. A client would take the bytes of a body for the start of the next response.
        content = b""
        headers = {name: value for name, value in headers.items() if name not in ("content-length", "content-type")}
    if method != "HEAD":
        headers = {name: value for name, value in headers.items() if name != "content-length"}
    return Response(content, status_code=status, headers={**headers, "x-simulated": "true"})


def _ask_moto(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
    parts = path.lstrip("/").partition("/")
    if not parts[0]:
        dispatch = S3Response.bucket_dispatch
    elif not parts[2]:
        dispatch = S3Response.ambiguous_dispatch
    else:
        dispatch = S3Response.key_dispatch
    return ask_moto(dispatch, method, path, query, headers, body)
