"""The form of the header Authorization."""

from __future__ import annotations

import re

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.server.test_operations import raw_request
from tools.aws_simulator.protocol.errors import ApiError
from tools.aws_simulator.protocol.signatures import check_signature, is_amz_date, is_date, stated_service

SCOPE = "AK/20261126/us-east-1/bedrock/aws4_request"
VALID = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, Signature=0"
INCOMPLETE, INVALID = "IncompleteSignatureException", "InvalidSignatureException"
NO_DATE = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "


def check(headers: dict[str, str]) -> None:
    check_signature(headers, "bedrock", {"us-east-1", "eu-west-1"}.__contains__)


MALFORMED = [
    ("x", INCOMPLETE, f"Authorization header requires 'SignedHeaders' parameter. {NO_DATE}Authorization=x"),
    ("Bearer", INCOMPLETE, "Authorization header requires 'Credential' parameter. "),
    ("AWS4-HMAC-SHA256", INCOMPLETE, "Authorization header requires 'Signature' parameter. "),
    (
        "Basic dTpw",
        INCOMPLETE,
        "'dTpw' not a valid key=value pair (missing equal-sign) in Authorization header: 'Basic",
    ),
    ("AWS AK:0", INCOMPLETE, "'AK:0' not a valid key=value pair (missing equal-sign)"),
    (VALID.replace("AK/", "AK /"), INCOMPLETE, "'/20261126/us-east-1/bedrock/aws4_request' not a valid key=value pair"),
    (VALID.replace(", Signature=0", ""), INCOMPLETE, "Authorization header requires 'Signature' parameter. "),
    (VALID.replace("Signature=0", "Signature="), INCOMPLETE, "Authorization header requires 'Signature' parameter. "),
    (VALID.replace(f"Credential={SCOPE}, ", ""), INCOMPLETE, "Authorization header requires 'Credential' parameter. "),
    (VALID.replace("SignedHeaders=host;x-amz-date, ", ""), INCOMPLETE, "requires 'SignedHeaders' parameter. "),
    (VALID.replace("SHA256", "SHA512"), INCOMPLETE, "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512' (only AWS4-HMAC"),
    (VALID.replace("AK/", ""), INCOMPLETE, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date"),
    (VALID.replace("AK/", "A/K/"), INCOMPLETE, "got 'A/K/20261126/us-east-1/bedrock/aws4_request'"),
    (VALID.replace("host;", ""), INVALID, "'Host' must be a 'SignedHeader' in the AWS Authorization."),
    (VALID.replace("us-east-1", ".."), INVALID, "Credential should be scoped to a valid region, not '..'. "),
    (VALID.replace("us-east-1", "US-EAST-1"), INVALID, "scoped to a valid region, not 'US-EAST-1'. "),
    (
        VALID.replace("bedrock", "bedrock-runtime"),
        INVALID,
        "Credential should be scoped to correct service: 'bedrock'. ",
    ),
    (VALID.replace("aws4", "aws5"), INVALID, "with a valid terminator: 'aws4_request', not 'aws5_request'. "),
    (VALID.replace("20261126", "99999999"), INVALID, "Date in Credential scope does not match YYYYMMDD from ISO-8601"),
    (VALID.replace("20261126", "2026"), INVALID, "'2026' != '"),
    (VALID.replace("20261126", "20260230"), INVALID, "'20260230' != '"),
    (
        VALID.replace("AK/", "/"),
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    ),
]


@pytest.mark.parametrize(("authorization", "code", "text"), MALFORMED, ids=[case[0] for case in MALFORMED])
def test_a_malformed_header_is_refused_with_the_text_of_aws(authorization: str, code: str, text: str) -> None:
    with pytest.raises(ApiError, match=re.escape(text)) as caught:
        check({"authorization": authorization})
    assert caught.value.code == code


def test_all_faults_of_a_scope_are_named() -> None:
    wrong = VALID.replace("us-east-1/bedrock/aws4", "x/s3/aws5")
    with pytest.raises(ApiError, match=r"valid region.*correct service.*valid terminator.*'20261126' != '20261127'"):
        check({"authorization": wrong, "x-amz-date": "20261127T000000Z"})


@pytest.mark.parametrize(
    "date", ["", "junk", "20261126", "2026-11-26T00:00:00Z", "20261326T000000Z", "20261126T250000Z"]
)
@pytest.mark.parametrize("name", ["x-amz-date", "date"])
def test_a_bad_date_is_refused(name: str, date: str) -> None:
    with pytest.raises(ApiError, match=f"Date must be in ISO-8601 'basic format'. Got '{date}'"):
        check({"authorization": VALID, name: date})


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": VALID},
        {"authorization": VALID, "x-amz-date": "20261126T235959Z"},
        {"authorization": VALID, "date": "Thu, 26 Nov 2026 10:00:00 GMT"},
        {"authorization": VALID, "x-amz-date": "20261126T000000Z", "date": "any"},
        {"authorization": VALID.replace(", ", ",")},
        {"authorization": f" {VALID} "},
        {"authorization": VALID.replace("AK", "any key").replace("any key", "any-key_1.x")},
        {"authorization": VALID.replace("Signature=0", "Signature=junk==")},
        {"authorization": VALID.replace("us-east-1", "eu-west-1")},
        {"authorization": VALID.replace("aws4_request", "aws4_request/")},
        {"authorization": VALID.replace("host;", "HOST;")},
    ],
)
def test_a_header_of_the_right_form_is_accepted(headers: dict[str, str]) -> None:
    check(headers)


def test_the_service_that_a_malformed_header_names() -> None:
    assert stated_service(VALID.replace("2026", "x")) == "bedrock"
    assert stated_service(f"AWS4-HMAC-SHA512 Credential={SCOPE}") == "bedrock"
    for none in ("", "Basic x", "AWS4-HMAC-SHA256 Credential=", VALID.replace("AK/", "")):
        assert stated_service(none) is None


def test_days_and_times() -> None:
    assert is_date("20260228")
    assert is_amz_date("20260228T235959Z")
    for text in ("20260229", "2026022", "\u0662\u0660260228", "20260228T000000Z"):
        assert not is_date(text)
    assert not is_amz_date("20260228")


@pytest.mark.parametrize(
    ("authorization", "status", "error"),
    [
        (VALID.replace("SHA256", "SHA512"), 400, INCOMPLETE),
        ("AWS4-HMAC-SHA256 Credential=x", 400, INCOMPLETE),
        ("Basic dTpw", 400, INCOMPLETE),
        (VALID.replace("20261126", "99999999"), 403, INVALID),
        (VALID.replace("bedrock", "bedrock-runtime"), 403, INVALID),
        (VALID.replace("bedrock", "no-such-service"), 403, INVALID),
        (VALID.replace("us-east-1", "xx-nowhere-1"), 403, INVALID),
        ("", 403, "MissingAuthenticationTokenException"),
        ("Bearer x", 403, "AccessDeniedException"),
    ],
)
def test_bedrock_refuses_a_malformed_header(
    simulator: RunningSimulator, authorization: str, status: int, error: str
) -> None:
    answer = raw_request(f"{simulator.url}/foundation-models", "GET", {"authorization": authorization})
    assert (answer[0], answer[1].partition(":")[0]) == (status, error), answer[1]


@pytest.mark.parametrize("authorization", [VALID, "Bearer ABSKx"])
def test_bedrock_accepts_any_key(simulator: RunningSimulator, authorization: str) -> None:
    assert raw_request(f"{simulator.url}/foundation-models", "GET", {"authorization": authorization})[0] == 200
