from __future__ import annotations

import base64

import pytest

from tools.aws_simulator.protocol.signers import Signer, signer

SCOPE = "20261127/us-east-1/s3/aws4_request"
HEADER = f"AWS4-HMAC-SHA256 Credential=ASIA1/{SCOPE}, SignedHeaders=host, Signature=0"
QUERY = f"X-Amz-Credential=ASIA2/{SCOPE}&X-Amz-Signature=0"
API_KEY_URL = "bedrock.amazonaws.com/?X-Amz-Credential=ASIA3%2F20261127%2Fus-east-1%2Fbedrock%2Faws4_request"


def api_key(url: str) -> dict[str, str]:
    return {"authorization": f"Bearer bedrock-api-key-{base64.b64encode(url.encode()).decode()}"}


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        pytest.param({"authorization": HEADER}, "", Signer("ASIA1", None), id="header without token"),
        pytest.param(
            {"authorization": HEADER, "x-amz-security-token": "t+/="}, QUERY, Signer("ASIA1", "t+/="), id="header"
        ),
        pytest.param({}, QUERY, Signer("ASIA2", None), id="query without token"),
        pytest.param({}, f"{QUERY}&X-Amz-Security-Token=t%2B%2F%3D", Signer("ASIA2", "t+/="), id="query"),
        pytest.param({}, f"{QUERY}&X-Amz-Security-Token=", Signer("ASIA2", None), id="empty token"),
        pytest.param({"authorization": "AWS ASIA4:sig="}, "", Signer("ASIA4", None), id="version 2 in the header"),
        pytest.param(
            {},
            "AWSAccessKeyId=ASIA5&Signature=0&Expires=1&x-amz-security-token=t",
            Signer("ASIA5", "t"),
            id="version 2 in the query",
        ),
        pytest.param(api_key(API_KEY_URL), "", Signer("ASIA3", None), id="API key without token"),
        pytest.param(
            api_key(f"{API_KEY_URL}&X-Amz-Security-Token=t%2B"), QUERY, Signer("ASIA3", "t+"), id="short-term API key"
        ),
        pytest.param({"authorization": "Bearer ABSKx"}, "", None, id="long-term API key"),
        pytest.param({"authorization": "Bearer bedrock-api-key-%%%"}, "", None, id="broken API key"),
        pytest.param({}, "list-type=2", None, id="unsigned"),
        pytest.param({"authorization": "Basic eA=="}, "", None, id="another scheme"),
    ],
)
def test_the_key_and_its_token(headers: dict[str, str], query: str, expected: Signer | None) -> None:
    assert signer(headers, query) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"X-Amz-Credential": f"ASIA6/{SCOPE}", "X-Amz-Security-Token": "t+/="}, Signer("ASIA6", "t+/=")),
        ({"key": "k", "x-amz-credential": f"ASIA6/{SCOPE}"}, Signer("ASIA6", None)),
        ({"AWSAccessKeyId": "ASIA7", "signature": "0", "x-amz-security-token": "t"}, Signer("ASIA7", "t")),
        ({"key": "x-amz-credential"}, None),
    ],
)
def test_the_key_in_a_form(fields: dict[str, str], expected: Signer | None) -> None:
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
    file = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\nContent-Type: text/plain\r\n\r\nx\r\n'
    assert signer({}, "", "".join([*parts, file, "--b--\r\n"]).encode()) == expected
