"""
Refuse malformed S3 requests that moto would fail on.

The codes and texts are those of S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

from tools.aws_simulator.s3.errors import MALFORMED_XML, S3Error
from tools.aws_simulator.s3.xml_checks import check_new_bucket, check_xml, has_xml

METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"})
_WITHOUT_BUCKET = frozenset({"GET", "HEAD", "OPTIONS"})
_KEY_BYTES = 1024
_PART_NUMBERS = range(1, 10_001)
# Operations that moto does not have. It mistakes their requests for requests of other operations.
_MISSING = {
    "analytics": "the analytics configurations of buckets",
    "intelligent-tiering": "the intelligent tiering configurations of buckets",
    "metrics": "the metrics configurations of buckets",
    "renameObject": "RenameObject",
    "select": "SelectObjectContent",
    "session": "CreateSession",
    "torrent": "GetObjectTorrent",
}


def check_request(method: str, path: str, query: str, body: bytes) -> None:
    """Check what can be checked without knowing the account's buckets.

    :raises S3Error: the request is malformed.
    """
    bucket, _, key = path.lstrip("/").partition("/")
    if method not in METHODS or (method not in _WITHOUT_BUCKET and not bucket):
        raise S3Error("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)
    try:
        key_bytes = len(unquote(key, errors="strict").encode())
        bucket, _ = unquote(bucket, errors="strict"), unquote(query, errors="strict")
    except UnicodeDecodeError:
        raise S3Error("InvalidURI", "Couldn't parse the specified URI.") from None
    if (not bucket and key) or re.search(r"%(?![0-9A-Fa-f]{2})", path):
        raise S3Error("InvalidURI", "Couldn't parse the specified URI.")
    arguments = parse_qs(query, keep_blank_values=True)
    creates = method == "PUT" and not key and not arguments
    if bucket:
        _check_bucket(bucket, creates=creates)
    if key_bytes > _KEY_BYTES:
        raise S3Error("KeyTooLongError", "Your key is too long")
    _check_arguments(arguments)
    if method == "PUT":
        _check_part(arguments)
    if creates and body:
        check_new_bucket(body)
    if has_xml(method, arguments):
        check_xml(arguments, body)


def _check_bucket(name: str, *, creates: bool) -> None:
    """
    Check a bucket's name. Only the name of a new bucket must follow today's rules.

    Old buckets may have other names, because us-east-1 once allowed them.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    # All names that S3 has ever allowed match. Other characters could form a path out of the folder of the buckets.
    valid = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", name) is not None
    if creates:
        valid = (
            re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) is not None
            and ".." not in name
            and not _is_address(name)
            and not name.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
            and not name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
        )
    if not valid:
        raise S3Error("InvalidBucketName", "The specified bucket is not valid.")


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def _check_arguments(arguments: Mapping[str, list[str]]) -> None:
    for name, operation in _MISSING.items():
        if name in arguments:
            text = f"The AWS simulator's S3 does not implement {operation}. Nothing was changed."
            raise S3Error("NotImplemented", text, 501)
    if arguments.get("list-type", ["2"])[-1] not in ("1", "2"):
        raise S3Error("InvalidArgument", "Invalid List Type specified in Request")
    if arguments.get("encoding-type", ["url"])[-1] != "url":  # https://github.com/versity/versitygw/issues/1984
        raise S3Error("InvalidArgument", "Invalid Encoding Method specified in Request")
    for name, text in (("max-keys", "Argument max-keys"), ("max-uploads", "Argument max-uploads")):
        value = arguments.get(name, ["0"])[-1]
        if value and not re.fullmatch(r"\d{1,9}", value):
            raise S3Error("InvalidArgument", f"{text} must be an integer between 0 and 2147483647")
    part = arguments.get("partNumber", ["1"])[-1]
    if not re.fullmatch(r"\d{1,5}", part) or int(part) not in _PART_NUMBERS:
        raise S3Error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")


def _check_part(arguments: Mapping[str, list[str]]) -> None:
    """Check that a request to upload a part names both the part and the upload.

    Without this check, moto would store the part as an object.
    https://github.com/versity/versitygw/issues/1236 and issue 1237 of the same repository quote S3's responses.
    """
    if "uploadId" in arguments and "partNumber" not in arguments:
        raise S3Error("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)
    if "partNumber" in arguments and "uploadId" not in arguments:
        raise S3Error("InvalidArgument", "This operation does not accept partNumber without uploadId")


def failed_request(method: str, query: str, body: bytes) -> S3Error:
    """Return the error for a request on which moto failed although :func:`check_request` accepted it."""
    arguments = parse_qs(query, keep_blank_values=True)
    if method in ("PUT", "POST") and body and (has_xml(method, arguments) or not arguments):
        return S3Error(*MALFORMED_XML)
    text = "A header or a query that you provided requests a function that the AWS simulator's S3 does not have."
    return S3Error("NotImplemented", text, 501)
