"""Requests without a handler are refused, and every request is logged."""

from __future__ import annotations

import datetime
import email.utils
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.catalog.regions import regions

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"


def raw_request(url: str, method: str, headers: dict[str, str]) -> tuple[int, str]:
    try:
        request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - our own
        with urllib.request.urlopen(request) as response:  # noqa: S310 - our own
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, f"{error.headers.get('x-amzn-errortype')}: {error.read().decode()}"


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        pytest.param("bedrock", "list_imported_models", {}, id="bedrock"),
        pytest.param("bedrock-runtime", "list_async_invokes", {}, id="runtime"),
        pytest.param(
            "bedrock-runtime",
            "start_async_invoke",
            {
                "modelId": "amazon.nova-reel-v1:0",
                "modelInput": {},
                "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket"}},
            },
            id="a model that does not exist",
        ),
    ],
)
def test_the_refusal_of_an_unsupported_operation_names_it_and_is_not_a_missing_model(
    simulator: RunningSimulator, service: str, operation: str, arguments: Any
) -> None:
    client = simulator.boto(service, retries={"total_max_attempts": 3})
    name = client.meta.method_to_api_mapping[operation]
    with refused("UnknownOperationException", f"does not implement {name} of {service}", status=501):
        getattr(client, operation)(**arguments)
    assert [entry["operation"] for entry in simulator.admin("GET", "requests")] == [name], "the SDK does not retry"


def test_the_two_way_stream_is_refused_by_name(simulator: RunningSimulator) -> None:
    """boto3 has no method for this operation."""
    url = f"{simulator.url}/model/amazon.nova-sonic-v1:0/invoke-with-bidirectional-stream"
    status, text = raw_request(url, "POST", {"authorization": SIGNED})
    assert (status, "does not implement InvokeModelWithBidirectionalStream" in text) == (501, True)


@pytest.mark.parametrize("region", sorted(regions()))
@pytest.mark.parametrize("path", ["/foundation-models", "/inference-profiles", "/custom-models"])
def test_every_region_with_bedrock_answers(simulator: RunningSimulator, region: str, path: str) -> None:
    status, text = raw_request(simulator.url + path, "GET", {"authorization": SIGNED.replace("us-east-1", region)})
    assert status == 200, text


@pytest.mark.parametrize("region", ["xx-nowhere-1", "us-east-9", "us-gov-west-1"])
def test_a_region_without_bedrock_is_refused(simulator: RunningSimulator, region: str) -> None:
    with refused("InvalidSignatureException", "scoped to a valid region", status=403):
        simulator.boto("bedrock", region=region).list_foundation_models()
    with refused("InvalidSignatureException", region):
        messages = [{"role": "user", "content": [{"text": "Hello"}]}]
        simulator.boto("bedrock-runtime", region=region).converse(modelId=builders.STUDENT, messages=messages)


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        pytest.param("/no/such/path", {"authorization": SIGNED}, "UnknownOperationException", id="unknown path"),
        pytest.param("/foundation-models", {}, "MissingAuthenticationTokenException", id="unsigned"),
    ],
)
def test_a_malformed_request_is_an_error(
    simulator: RunningSimulator, path: str, headers: dict[str, str], expected: str
) -> None:
    status, text = raw_request(simulator.url + path, "GET", headers)
    assert status in (403, 404)
    assert text.startswith(expected)


def test_every_operation_without_a_body_refuses_an_unknown_query_parameter(simulator: RunningSimulator) -> None:
    """Two operations do not declare ValidationException."""
    for service in ("bedrock", "bedrock-runtime"):
        model = simulator.boto(service).meta.service_model
        for operation in map(model.operation_model, model.operation_names):
            method, path = operation.http["method"], operation.http["requestUri"]
            if "{" in path or method not in ("GET", "DELETE"):
                continue
            status, text = raw_request(f"{simulator.url}{path}?foo=1", method, {"authorization": SIGNED})
            assert status == 501 or (status, "unknown query parameter: foo" in text) == (400, True), operation.name


def test_requests_are_logged_with_operation_outcome_and_fault_but_without_text(simulator: RunningSimulator) -> None:
    simulator.fail(operation="Converse", kind="throttle", times=1)
    with refused("ThrottlingException"):
        builders.converse(simulator)
    builders.converse(simulator)
    noted = simulator.admin("GET", "requests")
    assert [(entry["operation"], entry["outcome"], entry["fault"]) for entry in noted] == [
        ("Converse", "ThrottlingException", "throttle"),
        ("Converse", "200", None),
    ]
    assert "lifecycle" not in str(noted)


@pytest.mark.parametrize("depth", [100, 300, 500, 900, 1500, 5000])
@pytest.mark.parametrize("place", ["messages", "schema"])
def test_a_request_that_is_nested_too_deeply_is_refused(simulator: RunningSimulator, place: str, depth: int) -> None:
    nested = b"[" * depth + b"]" * depth
    schema = b'{"type": "object", "properties": {"a": ' + b'{"not": ' * depth + b"{}" + b"}" * depth + b"}}"
    tool = b'{"toolSpec": {"name": "t", "inputSchema": {"json": %s}}}' % schema
    messages = b'[{"role": "user", "content": [{"text": "Hi"}]}]'
    body = {
        "messages": b'{"messages": %s}' % nested,
        "schema": b'{"messages": %s, "toolConfig": {"tools": [%s], "toolChoice": {"any": {}}}}' % (messages, tool),
    }[place]
    request = urllib.request.Request(  # noqa: S310 - our own
        f"{simulator.url}/model/amazon.nova-micro-v1%3A0/converse", body, {"authorization": SIGNED}
    )
    if place == "schema" and depth == 100:  # deep, but not too deep
        assert urllib.request.urlopen(request).status == 200  # noqa: S310 - our own
        return
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310 - our own
    assert (caught.value.code, caught.value.headers["x-amzn-errortype"]) == (400, "ValidationException")


@pytest.mark.parametrize(("service", "path"), [("pricing", "/"), ("servicequotas", "/"), ("s3", "/_admin/settings")])
def test_no_service_fails_on_a_nested_body(simulator: RunningSimulator, service: str, path: str) -> None:
    target = {"pricing": "AWSPriceListService.GetProducts"}.get(service, "ServiceQuotasV20190624.ListServiceQuotas")
    headers = {
        "authorization": SIGNED.replace("bedrock", service),
        "x-amz-target": target,
        "content-type": "application/json",
    }
    method = "PUT" if path.startswith("/_admin") else "POST"
    request = urllib.request.Request(f"{simulator.url}{path}", b"[" * 100_000, headers, method=method)  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310 - our own
    assert caught.value.code == 400


@pytest.fixture
def as_of_2025(simulator: RunningSimulator) -> Iterator[RunningSimulator]:
    """A simulator as of a day on which there were no custom model deployments and no Claude Sonnet 5.5."""
    simulator.admin("PUT", "settings", {"as_of": "2025-02-12"})
    yield simulator
    simulator.admin("PUT", "settings", {"as_of": None})


def test_an_operation_that_bedrock_did_not_have_on_the_day_is_unknown(as_of_2025: RunningSimulator) -> None:
    bedrock = as_of_2025.boto("bedrock", region="us-west-2")
    with refused("UnknownOperationException", "ListCustomModelDeployments", status=404):
        bedrock.list_custom_model_deployments()
    with pytest.raises(ClientError) as caught:
        bedrock.get_foundation_model_availability(modelId="anthropic.claude-3-haiku-20240307-v1:0")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-simulator-hint"] == (
        "The AWS simulator is as of 2025-02-12. Bedrock has GetFoundationModelAvailability since 2025-06-24."
    )
    as_of_2025.admin("PUT", "settings", {"as_of": "2025-07-16"})
    assert bedrock.list_custom_model_deployments()["modelDeploymentSummaries"] == []


def test_a_member_that_bedrock_did_not_have_on_the_day_is_refused(as_of_2025: RunningSimulator) -> None:
    with refused("ValidationException", "serviceTier is not permitted"):
        builders.converse(as_of_2025, serviceTier={"type": "default"})
    builders.converse(as_of_2025)


def test_a_model_that_was_released_later_does_not_exist(as_of_2025: RunningSimulator) -> None:
    bedrock = as_of_2025.boto("bedrock")
    with refused("ValidationException", "The provided model identifier is invalid."):
        bedrock.get_foundation_model(modelIdentifier="anthropic.claude-sonnet-5-5")
    with refused("ValidationException", "The provided model identifier is invalid."):
        builders.converse(as_of_2025, builders.TEACHER)
    listed = {model["modelId"] for model in bedrock.list_foundation_models()["modelSummaries"]}
    assert "anthropic.claude-3-sonnet-20240229-v1:0" in listed
    assert "anthropic.claude-sonnet-5-5" not in listed


def test_clocks_stay_real_and_every_response_names_the_day(as_of_2025: RunningSimulator) -> None:
    s3, bedrock = as_of_2025.boto("s3"), as_of_2025.boto("bedrock")
    for answer in (s3.list_buckets(), bedrock.list_custom_models()):
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        assert headers["x-simulated-as-of"] == "2025-02-12"
        age = datetime.datetime.now(datetime.UTC) - email.utils.parsedate_to_datetime(headers["date"])
        assert age < datetime.timedelta(minutes=5)
    as_of_2025.admin("PUT", "settings", {"as_of": None})
    assert "x-simulated-as-of" not in s3.list_buckets()["ResponseMetadata"]["HTTPHeaders"]


def test_a_request_that_names_a_project_is_refused(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "The project mine does not exist"):
        builders.converse(simulator, projectIdentifier="mine")
    with refused("ValidationException", "The project mine does not exist"):
        simulator.boto("bedrock").list_foundation_models(projectIdentifier="mine")
    assert builders.converse(simulator, projectIdentifier="default")["stopReason"]
