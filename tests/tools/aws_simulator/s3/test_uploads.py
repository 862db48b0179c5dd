"""Damaged uploads are refused, and nothing is stored.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import httpx
import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import fresh, refused
from tools.aws_simulator.s3.checksums import checksum
from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.s3.uploads import read_upload

BODY = b"hello"
CRC32 = base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode()
MD5 = base64.b64encode(hashlib.md5(BODY, usedforsecurity=False).digest()).decode()
SIGNED = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "content-encoding": "aws-chunked"}
TRAILER = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "content-encoding": "aws-chunked",
    "x-amz-trailer": "x-amz-checksum-crc32",
}
LARGE = b"x" * 8192


def chunked(*chunks: bytes, trailer: str = "", signature: str = ";chunk-signature=00") -> bytes:
    parts = [f"{len(chunk):x}{signature}\r\n".encode() + chunk + b"\r\n" for chunk in chunks]
    return b"".join(parts) + f"0{signature}\r\n{trailer}\r\n".encode()


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"content-md5": MD5}, b"other", "BadDigest"),
        ({"content-md5": "xx"}, BODY, "InvalidDigest"),
        ({"x-amz-content-sha256": "a" * 64}, BODY, "XAmzContentSHA256Mismatch"),
        ({"x-amz-content-sha256": "foo"}, BODY, "InvalidArgument"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, BODY, "BadDigest"),
        ({"x-amz-checksum-crc32c": "AAAAAA=="}, BODY, "BadDigest"),
        ({"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}, BODY, "BadDigest"),
        ({"x-amz-checksum-sha1": base64.b64encode(b"a" * 20).decode()}, BODY, "BadDigest"),
        ({"x-amz-checksum-sha256": base64.b64encode(b"a" * 32).decode()}, BODY, "BadDigest"),
        ({"x-amz-checksum-crc32": "junk"}, BODY, "InvalidRequest"),
        ({"x-amz-checksum-xxhash64": "AAAAAAAAAAA="}, BODY, "NotImplemented"),
        ({"x-amz-sdk-checksum-algorithm": "CRC32"}, BODY, "InvalidRequest"),
        ({**SIGNED, "x-amz-decoded-content-length": "50"}, chunked(BODY), "IncompleteBody"),
        ({**SIGNED, "x-amz-decoded-content-length": "4"}, chunked(BODY), "IncompleteBody"),
        (SIGNED, chunked(BODY), "MissingContentLength"),
        ({**SIGNED, "x-amz-decoded-content-length": "five"}, chunked(BODY), "MissingContentLength"),
        ({**SIGNED, "x-amz-decoded-content-length": "5"}, chunked(BODY)[:-2], "IncompleteBody"),
        ({**SIGNED, "x-amz-decoded-content-length": "5"}, b"5;s=0\r\nhello\r\n", "IncompleteBody"),
        ({**SIGNED, "x-amz-decoded-content-length": "5"}, b"5;s=0\r\nhelloXX0;s=0\r\n\r\n", "IncompleteBody"),
        ({**SIGNED, "x-amz-decoded-content-length": "5"}, b"-5;s=0\r\nhello\r\n0\r\n\r\n", "IncompleteBody"),
        ({**SIGNED, "x-amz-decoded-content-length": "5"}, b"fffff;s=0\r\nhello\r\n0\r\n\r\n", "IncompleteBody"),
        ({**SIGNED, "x-amz-decoded-content-length": "0"}, b"", "IncompleteBody"),
        ({**SIGNED, "x-amz-decoded-content-length": "5"}, BODY, "IncompleteBody"),
        ({**SIGNED, "x-amz-decoded-content-length": "10"}, chunked(BODY, BODY), "InvalidChunkSizeError"),
        ({**TRAILER, "x-amz-decoded-content-length": "5"}, chunked(BODY), "MalformedTrailerError"),
        (
            {**TRAILER, "x-amz-decoded-content-length": "5"},
            chunked(BODY, trailer="x-amz-checksum-crc32:AAAAAA==\r\n", signature=""),
            "BadDigest",
        ),
    ],
)
def test_damaged_uploads(headers: dict[str, str], body: bytes, code: str) -> None:
    with pytest.raises(S3Error) as caught:
        read_upload("PUT", headers, body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("headers", "body", "decoded"),
    [
        ({}, BODY, BODY),
        ({"content-md5": MD5, "x-amz-content-sha256": hashlib.sha256(BODY).hexdigest()}, BODY, BODY),
        ({**SIGNED, "x-amz-decoded-content-length": "0"}, chunked(), b""),
        ({**SIGNED, "x-amz-decoded-content-length": "8197"}, chunked(LARGE, BODY), LARGE + BODY),
        (
            {**TRAILER, "x-amz-decoded-content-length": "5"},
            chunked(BODY, trailer=f"x-amz-checksum-crc32:{CRC32}\r\n", signature=""),
            BODY,
        ),
    ],
)
def test_whole_uploads(headers: dict[str, str], body: bytes, decoded: bytes) -> None:
    upload = read_upload("PUT", headers, body)
    assert upload.body == decoded
    assert "aws-chunked" not in upload.headers.get("content-encoding", "")
    assert read_upload("GET", {"x-amz-content-sha256": "a" * 64}, b"").body == b""


def test_the_encodings_of_the_object_stay() -> None:
    headers = {**SIGNED, "content-encoding": "aws-chunked,gzip", "x-amz-decoded-content-length": "5"}
    assert read_upload("PUT", headers, chunked(BODY)).headers["content-encoding"] == "gzip"


def test_the_checksum_of_a_completed_upload_is_not_that_of_the_request() -> None:
    headers = {"x-amz-checksum-crc32": "AAAAAA=="}
    assert read_upload("POST", headers, b"<CompleteMultipartUpload/>", completes=True).headers == headers


def test_nothing_is_stored_of_a_damaged_object_or_part(simulator: RunningSimulator) -> None:
    s3, bucket = simulator.boto("s3"), fresh("damaged")
    s3.create_bucket(Bucket=bucket)
    with refused("BadDigest"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"other", ContentMD5=MD5)
    with refused("BadDigest"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"other", ChecksumSHA256=checksum("sha256", BODY))
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    names: dict[str, Any] = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    with refused("BadDigest"):
        s3.upload_part(**names, PartNumber=1, Body=b"other", ContentMD5=MD5)
    assert "Parts" not in s3.list_parts(**names)
    with refused("NoSuchUpload", status=404):
        s3.list_parts(**{**names, "Key": "another"})
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        value = checksum(algorithm.lower(), BODY)
        s3.put_object(Bucket=bucket, Key=algorithm, Body=BODY, **{f"Checksum{algorithm}": value})
        shown = s3.head_object(Bucket=bucket, Key=algorithm, ChecksumMode="ENABLED")
        assert shown[f"Checksum{algorithm}"] == value


def test_a_broken_stream_stores_nothing(simulator: RunningSimulator) -> None:
    bucket = fresh("broken")
    simulator.boto("s3").create_bucket(Bucket=bucket)
    headers = {
        **SIGNED,
        "x-amz-decoded-content-length": "50",
        "authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host,"
        " Signature=0",
    }
    answer = httpx.put(f"{simulator.url}/{bucket}/k", content=chunked(BODY), headers=headers)
    assert (answer.status_code, "<Code>IncompleteBody</Code>" in answer.text) == (400, True)
    assert simulator.boto("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0
