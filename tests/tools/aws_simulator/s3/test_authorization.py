"""The header Authorization of S3 requests."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import fresh
from tools.aws_simulator.s3.authorization import check_authorization
from tools.aws_simulator.s3.errors import S3Error

VALID = "AWS4-HMAC-SHA256 Credential=AK/20261126/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
MALFORMED, ARGUMENT = "AuthorizationHeaderMalformed", "InvalidArgument"
THREE = "the authorization header requires three components: Credential, SignedHeaders, and Signature."
CASES = [
    ("AWS4-HMAC-SHA256", MALFORMED, THREE),
    ("AWS4-HMAC-SHA256 Credential=x", MALFORMED, THREE),
    (VALID.replace(", Signature=0", ""), MALFORMED, THREE),
    (f"{VALID}, More=1", MALFORMED, THREE),
    (VALID.replace("Signature=0", "Signature="), MALFORMED, "malformed; missing Signature."),
    (VALID.replace("SignedHeaders", "Headers"), MALFORMED, "malformed; missing SignedHeaders."),
    (VALID.replace("Signature=0", "Signature"), MALFORMED, 'the authorization component "Signature" is malformed.'),
    (
        VALID.replace("AK/", ""),
        MALFORMED,
        'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE',
    ),
    (VALID.replace("AK/", "/"), MALFORMED, "a non-empty Access Key (AKID) must be provided in the credential."),
    (VALID.replace("20261126", "2026"), MALFORMED, 'incorrect date format "2026". This date in the credential must be'),
    (VALID.replace("20261126", "99999999"), MALFORMED, 'incorrect date format "99999999".'),
    (VALID.replace("us-east-1", "us_east_1"), MALFORMED, "the region 'us_east_1' is wrong; expecting 'us-east-1'"),
    (VALID.replace("/s3/", "/ec2/"), MALFORMED, 'incorrect service "ec2". This endpoint belongs to "s3".'),
    (VALID.replace("aws4", "aws5"), MALFORMED, 'incorrect terminal "aws5_request". This endpoint uses "aws4_request".'),
    ("Basic dTpw", ARGUMENT, "Unsupported Authorization Type"),
    ("x", ARGUMENT, "Unsupported Authorization Type"),
    ("Bearer token", ARGUMENT, "Unsupported Authorization Type"),
    (VALID.replace("SHA256", "SHA512"), ARGUMENT, "Unsupported Authorization Type"),
    ("AWS AK", ARGUMENT, "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature"),
    ("AWS :0", ARGUMENT, "AWS authorization header is invalid."),
]


@pytest.mark.parametrize(("authorization", "code", "text"), CASES, ids=[case[0] for case in CASES])
def test_a_malformed_header_is_refused_with_the_text_of_s3(authorization: str, code: str, text: str) -> None:
    with pytest.raises(S3Error, match=re.escape(text)) as caught:
        check_authorization({"authorization": authorization}, {})
    assert (caught.value.code, caught.value.status) == (code, 400)


def test_the_date_of_the_request() -> None:
    check_authorization({"authorization": VALID, "x-amz-date": "20261126T120000Z"}, {})
    with pytest.raises(S3Error, match=r'Invalid credential date "20261126"\. This date is not the same as X-Amz-Date'):
        check_authorization({"authorization": VALID, "x-amz-date": "20261127T120000Z"}, {})
    with pytest.raises(S3Error, match="AWS authentication requires a valid Date or x-amz-date header") as caught:
        check_authorization({"authorization": VALID, "x-amz-date": "junk"}, {})
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


@pytest.mark.parametrize("name", ["X-Amz-Algorithm", "X-Amz-Signature", "Signature"])
def test_a_request_is_signed_only_once(name: str) -> None:
    with pytest.raises(S3Error, match="Only one auth mechanism allowed") as caught:
        check_authorization({"authorization": VALID}, {name: ["x"]})
    assert caught.value.details == {"ArgumentName": "Authorization", "ArgumentValue": VALID}


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        " ",
        VALID,
        VALID.replace(", ", ","),
        VALID.replace("us-east-1", "cn-north-1"),
        VALID.replace("AK", "any"),
        "AWS AK:signature=",
        "AWS4-ECDSA-P256-SHA256 Credential=AK/20261126/s3/aws4_request, SignedHeaders=host, Signature=0",
    ],
)
def test_a_header_of_the_right_form_is_accepted(authorization: str) -> None:
    check_authorization({"authorization": authorization}, {})


def test_the_answer_has_the_form_of_s3(simulator: RunningSimulator) -> None:
    s3, bucket = simulator.boto("s3"), fresh("authorization")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    url = f"{simulator.url}/{bucket}/k"
    assert httpx.get(url, headers={"authorization": VALID}).content == b"1"
    answer = httpx.get(url, headers={"authorization": VALID.replace("us-east-1", "mars-1")})
    assert answer.status_code == 400
    assert "<Code>AuthorizationHeaderMalformed</Code>" in answer.text
    assert "<Region>us-east-1</Region>" in answer.text
    answer = httpx.put(url, headers={"authorization": "Basic x"}, content=b"2")
    assert (answer.status_code, "<ArgumentValue>Basic x</ArgumentValue>" in answer.text) == (400, True)
    answer = httpx.get(url, headers={"authorization": ""})
    assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)
    assert httpx.head(url, headers={"authorization": "Basic x"}).status_code == 400
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
