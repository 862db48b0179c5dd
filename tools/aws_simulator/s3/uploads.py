"""
Read the body of an upload, and check that it arrived as it was sent.

A body is sent as it is or in chunks (the content encoding ``aws-chunked``). A trailer with a checksum may follow the
last chunk. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html describes chunks and trailers.
Their signatures are not checked.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tools.aws_simulator.s3.checksums import NAMES, checksum, is_checksum, is_md5
from tools.aws_simulator.s3.errors import S3Error

_UNSIGNED = "UNSIGNED-PAYLOAD"
_STREAMS = (
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
)
_SMALLEST_CHUNK = 8192
_INCOMPLETE = "You did not provide the number of bytes specified by the Content-Length HTTP header"
_CHECKSUM = re.compile(r"x-amz-checksum-([a-z0-9]+)")
_NO_CHECKSUMS = ("type", "mode", "algorithm")


@dataclass(frozen=True)
class Upload:
    """The headers and the body of a request after ``aws-chunked`` was decoded."""

    headers: dict[str, str]
    body: bytes


def read_upload(method: str, headers: Mapping[str, str], body: bytes, *, completes: bool = False) -> Upload:
    """Decode a request's body, and check it against the checksums of the request.

    :param completes: True for CompleteMultipartUpload. Its checksum header is about the whole object and not about the
        body of the request, so the header is not checked here.
    :raises S3Error: the body is damaged.
    """
    stated = headers.get("x-amz-content-sha256", _UNSIGNED)
    encodings = [name.strip() for name in headers.get("content-encoding", "").split(",")]
    received = dict(headers)
    if stated in _STREAMS:
        body, trailer = _decode(headers, body, stated)
        received |= trailer
        kept = ",".join(name for name in encodings if name != "aws-chunked")
        for name in ("content-encoding", "x-amz-decoded-content-length", "x-amz-trailer"):
            received.pop(name, None)
        if kept:
            received["content-encoding"] = kept
        received |= {"x-amz-content-sha256": _UNSIGNED, "content-length": str(len(body))}
    elif method in ("PUT", "POST"):
        _check_hash(stated, body)
    if method in ("PUT", "POST"):
        _check_md5(headers, body)
        if not completes:
            _check_checksums(received, body)
    return Upload(received, body)


def _check_hash(stated: str, body: bytes) -> None:
    if stated == _UNSIGNED:
        return
    if not re.fullmatch("[0-9a-fA-F]{64}", stated):
        allowed = ", ".join((_UNSIGNED, *_STREAMS))
        raise S3Error("InvalidArgument", f"x-amz-content-sha256 must be {allowed} or a valid sha256 value.")
    if hashlib.sha256(body).hexdigest() != stated.lower():
        text = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise S3Error("XAmzContentSHA256Mismatch", text)


def _check_md5(headers: Mapping[str, str], body: bytes) -> None:
    stated = headers.get("content-md5")
    if stated is None:
        return
    if not is_md5(stated):
        raise S3Error("InvalidDigest", "The Content-MD5 you specified was invalid.")
    if base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode() != stated:
        raise S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.")


def _check_checksums(headers: dict[str, str], body: bytes) -> None:
    """
    Check the checksums in the headers.

    moto reads a checksum only if the header ``x-amz-sdk-checksum-algorithm`` names its algorithm. If a request has a
    checksum without this header, add the header to ``headers``.
    """
    algorithm = headers.get("x-amz-sdk-checksum-algorithm")
    if algorithm and f"x-amz-checksum-{algorithm.lower()}" not in headers:
        raise S3Error(
            "InvalidRequest",
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers"
            " were found.",
        )
    for header, stated in list(headers.items()):
        match = _CHECKSUM.fullmatch(header)
        if match is None or match[1] in _NO_CHECKSUMS:
            continue
        name = match[1]
        if name not in NAMES:
            # S3 added MD5, SHA512 and the XXHash algorithms later. Their checksums cannot be checked here.
            text = f"The AWS simulator's S3 does not have the checksum algorithm of {header}."
            raise S3Error("NotImplemented", text, 501)
        if not is_checksum(name, stated):
            raise S3Error("InvalidRequest", f"Value for {header} header is invalid.")
        if checksum(name, body) != stated:
            text = f"The {name.upper()} you specified did not match the calculated checksum."
            raise S3Error("BadDigest", text)
        headers.setdefault("x-amz-sdk-checksum-algorithm", name.upper())


def _decode(headers: Mapping[str, str], body: bytes, stated: str) -> tuple[bytes, dict[str, str]]:
    """Return the decoded body and the headers in its trailer."""
    length = headers.get("x-amz-decoded-content-length", "")
    if not re.fullmatch(r"\d{1,15}", length):
        raise S3Error("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    chunks, position = [], 0
    for chunk, position in _chunks(body):  # noqa: B007 - the last position is used below
        chunks.append(chunk)
    decoded = b"".join(chunks)
    if len(decoded) != int(length):
        raise S3Error("IncompleteBody", _INCOMPLETE)
    trailer = _trailer(body[position:])
    announced = {name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",") if name.strip()}
    if stated.endswith("-TRAILER") and trailer.keys() != announced:
        raise S3Error(
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        )
    return decoded, trailer


def _chunks(body: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield each chunk, and the position after it in the body."""
    position, small = 0, None
    for number in range(1, len(body) + 2):
        end = body.find(b"\r\n", position)
        match = re.fullmatch(rb"([0-9a-fA-F]{1,15})(?:;[^\r\n]*)?", body[position:end]) if end >= 0 else None
        if match is None:
            raise S3Error("IncompleteBody", _INCOMPLETE)
        size, start = int(match[1], 16), end + 2
        if size == 0:
            if not body.endswith(b"\r\n", start):
                raise S3Error("IncompleteBody", _INCOMPLETE)
            yield b"", start
            return
        if small is not None:
            raise S3Error(
                "InvalidChunkSizeError",
                f"Only the last chunk is allowed to have a size less than {_SMALLEST_CHUNK} bytes",
            )
        small = number if size < _SMALLEST_CHUNK else None
        if body[start + size : start + size + 2] != b"\r\n":
            raise S3Error("IncompleteBody", _INCOMPLETE)
        position = start + size + 2
        yield body[start : start + size], position


def _trailer(data: bytes) -> dict[str, str]:
    lines = [line for line in data.decode("latin-1").split("\r\n") if line]
    pairs = [line.partition(":") for line in lines]
    trailer = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return {name: value for name, value in trailer.items() if name != "x-amz-trailer-signature"}
