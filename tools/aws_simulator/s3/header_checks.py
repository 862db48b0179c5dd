"""
Refuse header and query values that moto ignores or fails on. The errors are those of S3.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from tools.aws_simulator.s3.errors import S3Error

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
_METADATA, _METADATA_BYTES = "x-amz-meta-", 2048
_ENCRYPTION = ("AES256", "aws:kms", "aws:kms:dsse", "aws:fsx")
_KMS_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
# A key is named by its ARN or id, or by the ARN or name of an alias.
_KMS_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:(?:key/[a-zA-Z0-9-]{36}|alias/[a-zA-Z0-9/_-]+)")
_KMS_KEY_NAME = re.compile(r"[a-zA-Z0-9-]{36}|alias/[a-zA-Z0-9/_-]+")
_CUSTOMER_KEYS = ("x-amz-server-side-encryption-customer-", "x-amz-copy-source-server-side-encryption-customer-")
_OVERRIDES = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires")


def check_headers(method: str, headers: Mapping[str, str], arguments: Mapping[str, list[str]]) -> None:
    """
    Check the values of the request's headers, and the values that the query sets for headers of the response.

    For example, ``?response-content-type=text/plain`` sets Content-Type in the response.

    :raises S3Error: a value is not allowed.
    """
    _check_customer_key(headers)
    if method in ("PUT", "POST"):
        _check_metadata(headers)
        _check_encryption(headers)
        _check_tags(headers)
    _check_copy_source(headers)
    for directive in ("metadata", "tagging"):
        if headers.get(f"x-amz-{directive}-directive", "COPY") not in ("COPY", "REPLACE"):
            raise S3Error("InvalidArgument", f"Unknown {directive} directive.")
    if "x-amz-write-offset-bytes" in headers:  # only directory buckets support this header
        text = "A header you provided implies functionality that is not implemented"
        raise S3Error("NotImplemented", text, 501)
    for name in _OVERRIDES:
        value = arguments.get(f"response-{name}", [""])[-1]
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value) or any(ord(character) > 255 for character in value):
            text = f"Header value cannot be represented using ISO-8859-1.response-{name}"
            raise S3Error("InvalidArgument", text)


def _check_metadata(headers: Mapping[str, str]) -> None:
    metadata = {name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)}
    if sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items()) > _METADATA_BYTES:
        raise S3Error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")


def _check_customer_key(headers: Mapping[str, str]) -> None:
    """Refuse encryption with a customer's key, as S3 does over http.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html describes the rule.
    MinIO repeats S3's error text, which is quoted in https://github.com/minio/minio/issues/11162
    """
    if any(name.startswith(_CUSTOMER_KEYS) for name in headers):
        raise S3Error(
            "InvalidRequest",
            "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure"
            " connection.",
        )


def _check_encryption(headers: Mapping[str, str]) -> None:
    """Check how an object is to be encrypted.

    LocalStack's tests record S3's responses about keys, in ``test_s3_sse_validate_kms_key`` of
    https://github.com/localstack/localstack/blob/main/tests/aws/services/s3/test_s3.py
    """
    # https://github.com/confluentinc/kafka-connect-storage-cloud/issues/57 quotes S3's response.
    if headers.get("x-amz-server-side-encryption", _ENCRYPTION[0]) not in _ENCRYPTION:
        raise S3Error("InvalidArgument", "The encryption method specified is not supported")
    key = headers.get(_KMS_KEY)
    if key is None:
        return
    if not headers.get("x-amz-server-side-encryption", "").startswith("aws:kms"):
        raise S3Error(
            "InvalidArgument",
            "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption :"
            " aws:kms",
        )
    if not _KMS_KEY_ARN.fullmatch(key) and not _KMS_KEY_NAME.fullmatch(key):
        raise S3Error("KMS.NotFoundException", f"Invalid keyId '{key}'")


def check_key_region(headers: Mapping[str, str], region: str) -> None:
    """
    Check that the KMS key of a new object is in the Region of the bucket.

    :raises S3Error: it is in another Region.
    """
    named = _KMS_KEY_ARN.fullmatch(headers.get(_KMS_KEY, ""))
    if named and named[1] != region:
        raise S3Error("KMS.NotFoundException", f"Invalid arn {named[1]}")


def _check_tags(headers: Mapping[str, str]) -> None:
    text = headers.get("x-amz-tagging", "")
    pairs = parse_qsl(text, keep_blank_values=True)
    if len({key for key, _ in pairs}) < len(pairs):
        raise S3Error(
            "InvalidArgument",
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name"
            " duplicates.",
        )


def _check_copy_source(headers: Mapping[str, str]) -> None:
    source = unquote(headers.get("x-amz-copy-source", "bucket/key")).lstrip("/")
    if not all(source.partition("?")[0].partition("/")[::2]) and not source.startswith("arn:"):
        text = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise S3Error("InvalidArgument", text)
