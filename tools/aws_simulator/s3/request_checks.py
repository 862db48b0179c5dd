"""
Refuse malformed S3 requests that moto would fail on.

The codes and texts are those of S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.etree.ElementTree import Element, ParseError, SubElement, XMLParser, tostring

from starlette.responses import Response

METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"})
_WITHOUT_BUCKET = frozenset({"GET", "HEAD", "OPTIONS"})
_KEY_BYTES = 1024
_PART_NUMBERS = range(1, 10_001)
# The requests with these queries have an XML document as their body.
_WITH_XML = frozenset(
    {
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "delete",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "legal-hold",
        "lifecycle",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "restore",
        "retention",
        "select",
        "tagging",
        "versioning",
        "website",
    }
)
_WITHOUT_XML_IN_BODY = frozenset({"uploads", "partNumber"})


class S3Error(Exception):
    """An error response of S3."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


MALFORMED_XML = (
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
)


def s3_error(error: S3Error, method: str) -> Response:
    """Return the response for ``error``. The answer to HEAD has no body."""
    root = Element("Error")
    SubElement(root, "Code").text, SubElement(root, "Message").text = error.code, str(error)
    content = b"" if method == "HEAD" else tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(content, status_code=error.status, headers={"x-simulated": "true"}, media_type="application/xml")


def check_request(method: str, path: str, query: str, body: bytes) -> None:
    """Check what can be checked without knowing the account's buckets.

    :raises S3Error: the request is malformed.
    """
    bucket, _, key = path.lstrip("/").partition("/")
    if method not in METHODS or (method not in _WITHOUT_BUCKET and not bucket):
        raise S3Error("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)
    try:
        key_bytes = len(unquote(key, errors="strict").encode())
        bucket, query = unquote(bucket, errors="strict"), unquote(query, errors="strict")
    except UnicodeDecodeError:
        raise S3Error("InvalidURI", "Couldn't parse the specified URI.") from None
    if not bucket and key:
        raise S3Error("InvalidURI", "Couldn't parse the specified URI.")
    # The characters of all names that S3 has ever allowed. Others could lead out of the folder of the buckets.
    if bucket and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", bucket):
        raise S3Error("InvalidBucketName", "The specified bucket is not valid.")
    if key_bytes > _KEY_BYTES:
        raise S3Error("KeyTooLongError", "Your key is too long")
    arguments = parse_qs(query, keep_blank_values=True)
    _check_numbers(arguments)
    if method in ("PUT", "POST") and body and _has_xml(method, arguments):
        _check_xml(body)


def _check_numbers(arguments: Mapping[str, list[str]]) -> None:
    for name, text in (("max-keys", "Argument max-keys"), ("max-uploads", "Argument max-uploads")):
        value = arguments.get(name, ["0"])[-1]
        if value and not re.fullmatch(r"\d{1,9}", value):
            raise S3Error("InvalidArgument", f"{text} must be an integer between 0 and 2147483647")
    part = arguments.get("partNumber", ["1"])[-1]
    if not re.fullmatch(r"\d{1,5}", part) or int(part) not in _PART_NUMBERS:
        raise S3Error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")


def _has_xml(method: str, arguments: Mapping[str, list[str]]) -> bool:
    completes = method == "POST" and "uploadId" in arguments
    return (completes or not _WITH_XML.isdisjoint(arguments)) and _WITHOUT_XML_IN_BODY.isdisjoint(arguments)


def _check_xml(body: bytes) -> None:
    parser: Any = XMLParser()  # noqa: S314 - a DTD is refused below
    # S3's documents need no DTD. Refusing one also refuses entities that would expand without limit.
    if b"<!DOCTYPE" in body:
        raise S3Error(*MALFORMED_XML)
    try:
        parser.feed(body)
        parser.close()
    except (ParseError, ValueError):
        raise S3Error(*MALFORMED_XML) from None


def failed_request(method: str, query: str, headers: Mapping[str, str], body: bytes) -> S3Error:
    """Return the error for a request on which moto failed although :func:`check_request` accepted it."""
    if "aws-chunked" in headers.get("content-encoding", "") or "STREAMING" in headers.get("x-amz-content-sha256", ""):
        return S3Error(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        )
    arguments = parse_qs(query, keep_blank_values=True)
    if method in ("PUT", "POST") and body and (_has_xml(method, arguments) or not arguments):
        return S3Error(*MALFORMED_XML)
    text = "A header or a query that you provided requests a function that the AWS simulator's S3 does not have."
    return S3Error("NotImplemented", text, 501)
