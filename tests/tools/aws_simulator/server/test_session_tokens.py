"""The keys that AssumeRole issues need their session token with every service."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import converse_input, fresh, refused
from tests.tools.aws_simulator.services.test_sts import assumable

EXPIRED = "The security token included in the request is expired"
INVALID = "The security token included in the request is invalid"
CALLS: dict[str, Callable[[Any], Any]] = {
    "bedrock": lambda client: client.list_foundation_models(),
    "bedrock-runtime": lambda client: client.converse(modelId="us.amazon.nova-micro-v1:0", **converse_input()),
    "iam": lambda client: client.list_roles(),
    "sts": lambda client: client.get_caller_identity(),
    "service-quotas": lambda client: client.list_service_quotas(ServiceCode="bedrock"),
    "pricing": lambda client: client.describe_services(),
    "s3": lambda client: client.list_buckets(),
}
REFUSALS = {
    "bedrock": (("UnrecognizedClientException", f"{INVALID}.", 403), ("ExpiredTokenException", EXPIRED, 403)),
    "bedrock-runtime": (("UnrecognizedClientException", f"{INVALID}.", 403), ("ExpiredTokenException", EXPIRED, 403)),
    "iam": (("InvalidClientTokenId", INVALID, 403), ("ExpiredToken", EXPIRED, 403)),
    "sts": (("InvalidClientTokenId", INVALID, 403), ("ExpiredToken", EXPIRED, 403)),
    "service-quotas": (("UnrecognizedClientException", f"{INVALID}.", 400), ("ExpiredTokenException", EXPIRED, 400)),
    "pricing": (("UnrecognizedClientException", f"{INVALID}.", 400), ("ExpiredTokenException", EXPIRED, 400)),
    "s3": (
        ("InvalidToken", "The provided token is malformed or otherwise invalid.", 400),
        ("ExpiredToken", "The provided token has expired.", 400),
    ),
}
S3_MISSING = ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403)


def credentials_of(simulator: RunningSimulator) -> dict[str, Any]:
    arn = assumable(simulator)
    return dict(simulator.boto("sts").assume_role(RoleArn=arn, RoleSessionName="run")["Credentials"])


def client_of(simulator: RunningSimulator, service: str, credentials: dict[str, Any], **config: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=simulator.url,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials.get("SessionToken"),
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


def expire(monkeypatch: pytest.MonkeyPatch, credentials: dict[str, Any]) -> None:
    monkeypatch.setattr("tools.aws_simulator.services.sts.time.time", lambda: credentials["Expiration"].timestamp() + 1)


def refusal(call: Callable[[], Any]) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    error, answer = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    return error["Code"], error["Message"], answer["HTTPStatusCode"]


def send(url: str, method: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, body, headers or {}, method=method)  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310 - our own
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("service", CALLS)
def test_a_session_needs_its_token_with_every_service(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    credentials, other = credentials_of(simulator), credentials_of(simulator)
    foreign, expired = REFUSALS[service]

    def call(**changes: Any) -> Any:
        return CALLS[service](client_of(simulator, service, credentials | changes))

    assert call()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert refusal(lambda: call(SessionToken=None)) == (S3_MISSING if service == "s3" else foreign)
    for token in (other["SessionToken"], "junk", credentials["SessionToken"][:-1], f"{credentials['SessionToken']}="):
        assert refusal(lambda token=token: call(SessionToken=token)) == foreign
    expire(monkeypatch, credentials)
    assert refusal(call) == expired
    assert refusal(lambda: call(SessionToken="junk")) == foreign


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("key", ["any", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"])
def test_keys_that_the_simulator_did_not_issue_are_accepted(
    simulator: RunningSimulator, service: str, key: str
) -> None:
    for token in (None, "any", credentials_of(simulator)["SessionToken"]):
        client = client_of(simulator, service, {"AccessKeyId": key, "SecretAccessKey": "any", "SessionToken": token})
        assert CALLS[service](client)["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("method", ["get", "put", "head"])
def test_a_presigned_url_contains_the_token(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, version: str, method: str
) -> None:
    bucket, credentials = fresh("signed"), credentials_of(simulator)
    simulator.boto("s3").create_bucket(Bucket=bucket)
    simulator.boto("s3").put_object(Bucket=bucket, Key="k", Body=b"old")

    def ask(**changes: Any) -> tuple[int, str]:
        client = client_of(simulator, "s3", credentials | changes, signature_version=version)
        url = client.generate_presigned_url(f"{method}_object", Params={"Bucket": bucket, "Key": "k"})
        return send(url, method.upper(), body=b"new" if method == "put" else None)

    for changes, (code, _, status) in (
        ({"SessionToken": None}, S3_MISSING),
        ({"SessionToken": "junk"}, REFUSALS["s3"][0]),
    ):
        answer = ask(**changes)
        assert answer[0] == status
        assert method == "head" or f"<Code>{code}</Code>" in answer[1]
    assert simulator.boto("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"
    assert ask()[0] == 200
    expire(monkeypatch, credentials)
    assert ask()[0] == 400


def test_an_upload_by_a_browser_contains_the_token(simulator: RunningSimulator) -> None:
    bucket, credentials = fresh("form"), credentials_of(simulator)
    simulator.boto("s3").create_bucket(Bucket=bucket)
    post = client_of(simulator, "s3", credentials).generate_presigned_post(bucket, "k")

    def upload(fields: dict[str, str]) -> tuple[int, str]:
        begin = '--b\r\nContent-Disposition: form-data; name="'
        parts = [f'{begin}{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
        body = "".join([*parts, f'{begin}file"; filename="f"\r\n\r\nbody\r\n--b--\r\n']).encode()
        return send(post["url"], "POST", {"content-type": "multipart/form-data; boundary=b"}, body)

    without = {name: text for name, text in post["fields"].items() if name != "x-amz-security-token"}
    for fields, code in ((without, "InvalidAccessKeyId"), (without | {"x-amz-security-token": "t"}, "InvalidToken")):
        assert f"<Code>{code}</Code>" in upload(fields)[1]
    with refused("404"):
        simulator.boto("s3").head_object(Bucket=bucket, Key="k")
    assert upload(post["fields"])[0] == 204


def test_a_short_term_api_key_contains_the_token(simulator: RunningSimulator) -> None:
    credentials = credentials_of(simulator)

    def models(token: str) -> tuple[int, str]:
        scope = f"{credentials['AccessKeyId']}%2F20261127%2Fus-east-1%2Fbedrock%2Faws4_request"
        url = f"bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Credential={scope}{token}&Version=1"
        key = base64.b64encode(url.encode()).decode()
        return send(f"{simulator.url}/foundation-models", "GET", {"authorization": f"Bearer bedrock-api-key-{key}"})

    assert models(f"&X-Amz-Security-Token={credentials['SessionToken']}")[0] == 200
    for token in ("", "&X-Amz-Security-Token=junk"):
        assert models(token) == (403, f'{{"message": "{INVALID}."}}')


def test_a_refused_token_is_in_the_request_log_and_bills_nothing(simulator: RunningSimulator) -> None:
    credentials = credentials_of(simulator) | {"SessionToken": None}
    with refused("UnrecognizedClientException"):
        CALLS["bedrock-runtime"](client_of(simulator, "bedrock-runtime", credentials))
    logged = [(entry["operation"], entry["outcome"]) for entry in simulator.admin("GET", "requests")]
    assert logged == [("Converse", "UnrecognizedClientException")]
    assert simulator.ledger["billed_calls"] == 0
