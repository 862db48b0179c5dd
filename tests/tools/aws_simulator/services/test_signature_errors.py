"""Malformed signatures of requests to IAM, STS, Service Quotas and Pricing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fakes.aws_simulator import RunningSimulator

VALID = "AWS4-HMAC-SHA256 Credential=AK/20261126/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"


def ask(simulator: RunningSimulator, service: str, authorization: str, **headers: str) -> Any:
    stated = {"authorization": authorization.format(service=service), **headers}
    if service == "sts":
        form = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
        return httpx.post(simulator.url, data=form, headers=stated)
    target = {"x-amz-target": "ServiceQuotasV20190624.ListServiceQuotas", "content-type": "application/x-amz-json-1.1"}
    return httpx.post(simulator.url, content=b'{"ServiceCode": "bedrock"}', headers={**target, **stated})


@pytest.mark.parametrize(
    ("authorization", "code", "status", "text"),
    [
        ("AWS4-HMAC-SHA256 Credential=x", "IncompleteSignature", 400, "requires 'Signature' parameter"),
        ("Basic dTpw", "IncompleteSignature", 400, "missing equal-sign"),
        (VALID.replace("SHA256", "SHA512"), "IncompleteSignature", 400, "(only AWS4-HMAC-SHA256 for now)"),
        (VALID.replace("AK/", ""), "IncompleteSignature", 400, "exactly 5 slash-delimited elements"),
        (VALID.replace("20261126", "99999999"), "InvalidSignature", 403, "Date in Credential scope does not match"),
        (VALID.replace("us-east-1", "mars-1"), "InvalidSignature", 403, "a valid region, not"),
        (VALID.replace("aws4_", "aws5_"), "InvalidSignature", 403, "valid terminator"),
        (VALID.replace("AK/", "/"), "UnrecognizedClient", 403, "security token included in the request is invalid"),
    ],
)
def test_a_malformed_header_is_refused_in_the_protocol_of_the_service(
    simulator: RunningSimulator, authorization: str, code: str, status: int, text: str
) -> None:
    answer = ask(simulator, "servicequotas", authorization)
    assert (answer.status_code, answer.json()["__type"]) == (400, f"{code}Exception"), answer.text
    assert text in answer.json()["message"]
    answer = ask(simulator, "sts", authorization)
    names = {"InvalidSignature": "SignatureDoesNotMatch", "UnrecognizedClient": "InvalidClientTokenId"}
    assert (answer.status_code, f"<Code>{names.get(code, code)}</Code>" in answer.text) == (status, True), answer.text
    assert text in answer.text


@pytest.mark.parametrize("service", ["sts", "servicequotas"])
def test_any_key_and_any_region_of_aws_are_accepted(simulator: RunningSimulator, service: str) -> None:
    for authorization in (VALID, VALID.replace("us-east-1", "af-south-1"), VALID.replace("AK", "other")):
        assert ask(simulator, service, authorization).status_code == 200
    assert ask(simulator, service, VALID, **{"x-amz-date": "20261126T000000Z"}).status_code == 200
    assert ask(simulator, service, VALID, **{"x-amz-date": "20261127T000000Z"}).status_code in (400, 403)
