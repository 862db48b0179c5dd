from __future__ import annotations

import base64

import pytest

from tools.aws_simulator.protocol.credentials import CredentialScope, bearer_scope, credential_scope, is_bearer
from tools.aws_simulator.protocol.errors import AccessDeniedException

HEADER = "AWS4-HMAC-SHA256 Credential=AKIA1/20261126/us-west-2/sts/aws4_request, SignedHeaders=host, Signature=0"
QUERY = "Action=GetCallerIdentity&X-Amz-Credential=ASIA2%2F20261126%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=0"


def test_the_scope_is_in_the_header_or_the_query() -> None:
    assert credential_scope(HEADER) == CredentialScope("AKIA1", "us-west-2", "sts")
    assert credential_scope("", QUERY) == CredentialScope("ASIA2", "eu-west-1", "s3")
    assert credential_scope(HEADER, QUERY) == CredentialScope("AKIA1", "us-west-2", "sts")


@pytest.mark.parametrize(
    ("authorization", "query"),
    [
        ("", ""),
        ("Basic dXNlcg==", ""),
        ("AWS AKIA:signature", ""),
        ("Credential=AKIA1/2026/us-west-2/sts/aws4_request", ""),
        ("", "X-Amz-Credential=AKIA1"),
        ("", "X-Amz-Credential=AKIA1/20261126/us-west-2/sts/aws4_request/more"),
    ],
)
def test_other_requests_have_no_scope(authorization: str, query: str) -> None:
    assert credential_scope(authorization, query) is None


def short_term_key(service: str = "bedrock") -> str:
    credential = f"ASIA2%2F20261126%2Feu-west-1%2F{service}%2Faws4_request"
    url = f"bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Credential={credential}&X-Amz-Signature=0&Version=1"
    return f"Bearer bedrock-api-key-{base64.b64encode(url.encode()).decode()}"


def test_the_region_of_an_api_key() -> None:
    assert is_bearer("Bearer ABSKx")
    assert not is_bearer(HEADER)
    assert bearer_scope("Bearer ABSKx", "127.0.0.1:8090").region == "us-east-1"
    assert bearer_scope("Bearer ABSKx", "bedrock-runtime.us-west-2.amazonaws.com").region == "us-west-2"
    assert bearer_scope(short_term_key(), "127.0.0.1:8090").region == "eu-west-1"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("Bearer ", "Invalid API Key format"),
        ("Bearer ABSK", "Invalid API Key format"),
        ("Bearer sk-ant-1", "Invalid API Key format"),
        ("Bearer bedrock-api-key-", "Authentication failed"),
        ("Bearer bedrock-api-key-%%%", "Authentication failed"),
        (short_term_key("s3"), "Authentication failed"),
    ],
)
def test_other_keys_are_refused(key: str, message: str) -> None:
    with pytest.raises(AccessDeniedException, match=message):
        bearer_scope(key, "localhost")
