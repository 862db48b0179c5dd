from __future__ import annotations

import pytest

from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.s3.header_checks import check_headers


@pytest.mark.parametrize(
    ("headers", "arguments", "code"),
    [
        ({"x-amz-meta-a": "b" * 2048}, {}, "MetadataTooLarge"),
        ({"x-amz-meta-a": "b" * 1024, "x-amz-meta-b": "b" * 1024}, {}, "MetadataTooLarge"),
        ({"x-amz-server-side-encryption": "aes256"}, {}, "InvalidArgument"),
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
        ({"x-amz-tagging": "a=b&c=b"}, {}),
        ({"x-amz-copy-source": "bucket%2Fkey%3FversionId"}, {}),
        ({"x-amz-copy-source": "arn:aws:s3:us-west-2:123456789012:accesspoint/a/object/k"}, {}),
        ({}, {"response-content-disposition": ['attachment; filename="ü.txt"']}),
    ],
)
def test_allowed_values(headers: dict[str, str], arguments: dict[str, list[str]]) -> None:
    check_headers("PUT", headers, arguments)
