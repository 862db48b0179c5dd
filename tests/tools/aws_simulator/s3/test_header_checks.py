from __future__ import annotations

import pytest

from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.s3.header_checks import check_headers, check_key_region

KMS_KEY, KMS = "x-amz-server-side-encryption-aws-kms-key-id", {"x-amz-server-side-encryption": "aws:kms"}
KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
ALIAS = "arn:aws:kms:us-east-1:123456789012:alias/team/objects"


@pytest.mark.parametrize(
    ("headers", "arguments", "code"),
    [
        ({"x-amz-meta-a": "b" * 2048}, {}, "MetadataTooLarge"),
        ({"x-amz-meta-a": "b" * 1024, "x-amz-meta-b": "b" * 1024}, {}, "MetadataTooLarge"),
        ({"x-amz-server-side-encryption": "aes256"}, {}, "InvalidArgument"),
        ({KMS_KEY: KEY}, {}, "InvalidArgument"),
        ({KMS_KEY: KEY, "x-amz-server-side-encryption": "AES256"}, {}, "InvalidArgument"),
        ({KMS_KEY: "key", **KMS}, {}, "KMS.NotFoundException"),
        ({KMS_KEY: KEY.replace(":kms:", ":s3:"), **KMS}, {}, "KMS.NotFoundException"),
        ({"x-amz-server-side-encryption-customer-algorithm": "AES256"}, {}, "InvalidRequest"),
        ({"x-amz-copy-source-server-side-encryption-customer-key": "a2V5"}, {}, "InvalidRequest"),
        ({"x-amz-tagging": "a=b&a=c"}, {}, "InvalidArgument"),
        ({"x-amz-copy-source": "bucket"}, {}, "InvalidArgument"),
        ({"x-amz-copy-source": "/bucket/"}, {}, "InvalidArgument"),
        ({"x-amz-copy-source": ""}, {}, "InvalidArgument"),
        ({}, {"response-content-type": ["a\r\nb: c"]}, "InvalidArgument"),
        ({}, {"response-content-disposition": ["a\x00"]}, "InvalidArgument"),
        ({}, {"response-content-disposition": ["☃"]}, "InvalidArgument"),
    ],
)
def test_refused_values(headers: dict[str, str], arguments: dict[str, list[str]], code: str) -> None:
    with pytest.raises(S3Error) as caught:
        check_headers("PUT", headers, arguments)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("headers", "arguments"),
    [
        ({"x-amz-meta-a": "b" * 2047}, {}),
        ({"x-amz-server-side-encryption": "aws:kms"}, {}),
        *(({KMS_KEY: key, **KMS}, {}) for key in (KEY, KEY.rpartition("/")[2], ALIAS, "alias/aws/s3")),
        ({KMS_KEY: KEY, "x-amz-server-side-encryption": "aws:kms:dsse"}, {}),
        ({"x-amz-tagging": "a=b&c=b"}, {}),
        ({"x-amz-copy-source": "bucket%2Fkey%3FversionId"}, {}),
        ({"x-amz-copy-source": "arn:aws:s3:us-west-2:123456789012:accesspoint/a/object/k"}, {}),
        ({}, {"response-content-disposition": ['attachment; filename="ü.txt"']}),
    ],
)
def test_allowed_values(headers: dict[str, str], arguments: dict[str, list[str]]) -> None:
    check_headers("PUT", headers, arguments)


@pytest.mark.parametrize("key", [KEY, ALIAS])
def test_a_key_must_be_in_the_region_of_the_bucket(key: str) -> None:
    check_key_region({KMS_KEY: key, **KMS}, "us-east-1")
    with pytest.raises(S3Error, match="Invalid arn us-east-1") as caught:
        check_key_region({KMS_KEY: key, **KMS}, "us-west-2")
    assert caught.value.code == "KMS.NotFoundException"


def test_a_key_without_a_region_is_in_the_region_of_the_bucket() -> None:
    check_key_region({KMS_KEY: "alias/aws/s3", **KMS}, "us-west-2")
    check_key_region({}, "us-west-2")
