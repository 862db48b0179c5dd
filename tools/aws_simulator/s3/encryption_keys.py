"""
List the KMS keys that a request to S3 uses, and the actions of KMS that its caller needs for them.

S3 calls KMS for the caller, so the caller needs permissions on the key of an encrypted object:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
The simulator has no KMS. It takes each key for a key of the account whose policy leaves the decision to IAM. A key that
is named by an alias is not checked, because the simulator does not know which key that is. Everyone may use AWS's own
key for S3, which needs no name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.keys import key_arn
from tools.aws_simulator.s3.actions import copy_source
from tools.aws_simulator.s3.changes import ObjectRequest, current_object

ENCRYPT, DECRYPT = "kms:GenerateDataKey", "kms:Decrypt"
_METHOD, _KEY = "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"
_KMS = "aws:kms"
# Requests with these queries do not read or write the content of an object.
_ABOUT_OBJECTS = frozenset({"acl", "attributes", "legal-hold", "restore", "retention", "tagging"})


@dataclass(frozen=True)
class KeyUse:
    """An action of KMS that a request needs on a key."""

    action: str
    key_arn: str
    region: str

    @property
    def context(self) -> dict[str, str | list[str]]:
        """The keys for the conditions of policies."""
        return {"kms:ViaService": f"s3.{self.region}.amazonaws.com", "kms:CallerAccount": ACCOUNT_ID}


def key_uses(buckets: Mapping[str, Any], request: ObjectRequest) -> Iterator[KeyUse]:
    """Yield what a request needs on KMS keys.

    :param buckets: moto's buckets by name.
    """
    bucket = buckets.get(request.bucket)
    if bucket is None or not _ABOUT_OBJECTS.isdisjoint(request.arguments):
        return
    if request.method in ("GET", "HEAD"):
        # HeadObject reads only a checksum from the encrypted object, and only on request.
        reads = request.method == "GET" or request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED"
        if request.key and reads and "uploadId" not in request.arguments:
            yield from _of_object(bucket, request.key)
        return
    if (source := copy_source(request)) and source[0] in buckets:
        yield from _of_object(buckets[source[0]], source[1])
    if "uploadId" in request.arguments and request.method != "DELETE":
        upload = bucket.multiparts.get(request.arguments["uploadId"][-1])
        if upload is not None:
            named = {_METHOD: upload.sse_encryption, _KEY: upload.kms_key_id}
            yield from _uses(DECRYPT, _new_key(bucket, named), bucket)
    elif request.method == "POST" or (request.method == "PUT" and request.key):
        yield from _uses(ENCRYPT, _new_key(bucket, request.headers), bucket)


def _of_object(bucket: Any, key: str) -> Iterator[KeyUse]:
    stored = current_object(bucket, key)
    if stored is not None and str(stored.encryption).startswith(_KMS):
        yield from _uses(DECRYPT, stored.kms_key_id, bucket)


def _new_key(bucket: Any, headers: Mapping[str, str | None]) -> str | None:
    """Return the name of the key of a new object: that of the request, or that of the bucket's configuration."""
    if headers.get(_METHOD):
        return headers.get(_KEY) if str(headers[_METHOD]).startswith(_KMS) else None
    rule = (bucket.encryption or {}).get("Rule", {}).get("ApplyServerSideEncryptionByDefault", {})
    return rule.get("KMSMasterKeyID") if str(rule.get("SSEAlgorithm")).startswith(_KMS) else None


def _uses(action: str, key: str | None, bucket: Any) -> Iterator[KeyUse]:
    if key and "alias/" not in key:
        region = str(bucket.region_name)
        yield KeyUse(action, key_arn(region, key), region)
