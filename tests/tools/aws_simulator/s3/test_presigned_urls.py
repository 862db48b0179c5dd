from __future__ import annotations

import datetime

import httpx
import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import fresh
from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.s3.presigned_urls import check_presigned, is_signed

NOW = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
VALID = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": "key/20261127/us-east-1/s3/aws4_request",
    "X-Amz-Date": "20261127T115900Z",
    "X-Amz-Expires": "60",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "0",
}


def arguments(changes: dict[str, str | None]) -> dict[str, list[str]]:
    return {name: [value] for name, value in {**VALID, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"X-Amz-Expires": "59"}, "AccessDenied", "Request has expired"),
        ({"X-Amz-Expires": "soon"}, "AuthorizationQueryParametersError", "should be a number"),
        ({"X-Amz-Expires": "-1"}, "AuthorizationQueryParametersError", "must be non-negative"),
        ({"X-Amz-Expires": "604801"}, "AuthorizationQueryParametersError", "less than a week"),
        ({"X-Amz-Expires": None}, "AuthorizationQueryParametersError", "requires the X-Amz-Algorithm"),
        ({"X-Amz-Date": None}, "AuthorizationQueryParametersError", "requires the X-Amz-Algorithm"),
        ({"X-Amz-Date": "junk"}, "AuthorizationQueryParametersError", "ISO8601 Long Format"),
        ({"X-Amz-Algorithm": "foo"}, "AuthorizationQueryParametersError", "only supports"),
        ({"X-Amz-Credential": "key"}, "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential"),
    ],
)
def test_refused_urls(changes: dict[str, str | None], code: str, text: str) -> None:
    with pytest.raises(S3Error, match=text) as caught:
        check_presigned(arguments(changes), NOW)
    assert caught.value.code == code


def test_the_older_form() -> None:
    signed = {"AWSAccessKeyId": ["key"], "Signature": ["0"]}
    check_presigned({**signed, "Expires": [str(int(NOW.timestamp()) + 1)]}, NOW)
    for expires, text in (("1", "Request has expired"), ("x", "Invalid date")):
        with pytest.raises(S3Error, match=text):
            check_presigned({**signed, "Expires": [expires]}, NOW)


def test_valid_urls_and_other_requests() -> None:
    check_presigned(arguments({}), NOW)
    check_presigned({"list-type": ["2"]}, NOW)
    assert is_signed({}, arguments({}), b"")
    assert is_signed({"authorization": "x"}, {}, b"")
    assert not is_signed({}, {"list-type": ["2"]}, b"")
    form = {"content-type": "multipart/form-data; boundary=x"}
    assert is_signed(form, {}, b'name="X-Amz-Signature"')
    assert not is_signed(form, {}, b'name="key"')


def test_a_url_works_until_it_expires(simulator: RunningSimulator) -> None:
    s3, bucket = simulator.boto("s3", signature_version="s3v4"), fresh("presigned")
    s3.create_bucket(Bucket=bucket)
    names = {"Bucket": bucket, "Key": "k"}
    assert httpx.put(s3.generate_presigned_url("put_object", Params=names), content=b"1").status_code == 200
    url = httpx.URL(s3.generate_presigned_url("get_object", Params=names))
    assert httpx.get(url).content == b"1"
    answer = httpx.get(url.copy_set_param("X-Amz-Date", "20200101T000000Z"))
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)
