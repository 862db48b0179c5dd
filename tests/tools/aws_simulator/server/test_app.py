"""One port serves three services, and only one process can use a state folder."""

from __future__ import annotations

import asyncio
import fcntl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.server.app import AwsSimulator

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"


def ask(url: str, **headers: str) -> tuple[int, str, str]:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310 - our own
            return response.status, response.headers["content-type"], response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], error.read().decode()


@pytest.mark.parametrize(
    ("path", "service", "status", "content"),
    [
        pytest.param("/foundation-models", "bedrock", 200, "modelSummaries", id="bedrock"),
        pytest.param("/foundation-models", "s3", 404, "NoSuchBucket", id="a bucket of that name"),
        pytest.param("/", "s3", 200, "ListAllMyBucketsResult", id="s3"),
        pytest.param("/_admin/health", "s3", 200, '"simulated":true', id="admin, whoever signed"),
    ],
)
def test_the_signature_selects_the_service(
    simulator: RunningSimulator, path: str, service: str, status: int, content: str
) -> None:
    answer = ask(simulator.url + path, authorization=SIGNED.format(service=service))
    assert answer[0] == status
    assert content in answer[2]


def test_an_unsigned_request_goes_to_bedrock_if_it_has_such_an_operation_and_else_to_s3(
    simulator: RunningSimulator,
) -> None:
    status, _, text = ask(f"{simulator.url}/foundation-models")
    assert (status, "Missing Authentication Token" in text) == (403, True)
    status, content_type, text = ask(f"{simulator.url}/no-such-bucket/key")
    assert (status, content_type.partition(";")[0]) == (404, "application/xml")
    assert "NoSuchBucket" in text


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("bedrock-agent", "list_knowledge_bases", {}),
        ("bedrock-agent-runtime", "retrieve", {"knowledgeBaseId": "ABCDEFGHIJ", "retrievalQuery": {"text": "x"}}),
        ("bedrock-data-automation", "list_blueprints", {}),
        ("bedrock-data-automation-runtime", "get_data_automation_status", {"invocationArn": "arn:x"}),
        ("bedrock-agentcore-control", "list_agent_runtimes", {}),
    ],
)
def test_the_services_around_bedrock_are_refused_by_name(
    simulator: RunningSimulator, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    client = simulator.boto(service, parameter_validation=False)
    with refused("UnknownOperationException", "does not implement the service bedrock-", status=501):
        getattr(client, operation)(**arguments)


@pytest.mark.parametrize("path", ["/openai/v1/chat/completions", "/anthropic/v1/messages", "/v1/responses"])
@pytest.mark.parametrize(
    "headers",
    [{"authorization": SIGNED.format(service="bedrock")}, {"authorization": "Bearer any"}, {"x-api-key": "any"}],
)
def test_the_apis_of_other_vendors_are_refused_by_name(
    simulator: RunningSimulator, path: str, headers: dict[str, str]
) -> None:
    request = urllib.request.Request(f"{simulator.url}{path}", b"{}", headers)  # noqa: S310 - our own
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310 - our own
    assert caught.value.code == 501
    assert "does not implement" in caught.value.read().decode()


def test_a_folder_that_another_process_holds_cannot_be_opened(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            AwsSimulator(tmp_path)


def test_only_http_is_served() -> None:
    application: Any = AwsSimulator.__new__(AwsSimulator)
    with pytest.raises(NotImplementedError, match="HTTP only, not websocket"):
        asyncio.run(application({"type": "websocket"}, None, None))


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "s3"),
        ("/no-such-bucket/key", "s3"),
        ("/foundation-models", "bedrock"),
        ("/no/such/operation", "bedrock"),
        ("/", "sts"),
        ("/", "dynamodb"),
        ("/_admin/", "s3"),
        ("/_admin/no-such-route", "s3"),
        ("/_admin/faults?x=1", "bedrock"),
    ],
)
def test_every_answer_is_marked_as_simulated(simulator: RunningSimulator, path: str, service: str) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own
        f"{simulator.url}{path}", headers={"Authorization": SIGNED.format(service=service)}
    )
    try:
        headers = urllib.request.urlopen(request).headers  # noqa: S310 - our own
    except urllib.error.HTTPError as error:
        headers = error.headers
    assert headers.get_all("x-simulated") == ["true"]
