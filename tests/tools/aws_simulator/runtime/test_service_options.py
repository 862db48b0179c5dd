"""Options that concern Bedrock and not the model are checked, and repeated in the response."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

PRO = "us.amazon.nova-pro-v1:0"
BODY = json.dumps({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]})


def test_converse_repeats_the_options(simulator: RunningSimulator) -> None:
    options = {"performanceConfig": {"latency": "optimized"}, "serviceTier": {"type": "flex"}}
    answer = builders.converse(simulator, PRO, requestMetadata={"team": "a"}, **options)
    assert {name: answer[name] for name in options} == options


def test_invoke_model_repeats_the_options(simulator: RunningSimulator) -> None:
    options = {"performanceConfigLatency": "standard", "serviceTier": "priority"}
    client = simulator.boto("bedrock-runtime")
    answer = client.invoke_model(modelId=PRO, body=BODY, requestMetadata='{"team": "a"}', **options)
    assert {name: answer[name] for name in options} == options


GUARDRAIL = {"guardrailIdentifier": "abc123", "guardrailVersion": "DRAFT"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param({"guardrailConfig": GUARDRAIL}, "The provided guardrail identifier is invalid.", id="guardrail"),
        pytest.param(
            {"performanceConfig": {"latency": "optimized"}},
            "Latency performance configuration is not supported for amazon.nova-micro-v1:0 in us-east-1",
            id="latency",
        ),
        pytest.param({"serviceTier": {"type": "reserved"}}, "service tier is not supported", id="tier"),
        pytest.param({"promptVariables": {"a": {"text": "b"}}}, "promptVariables", id="variables without a prompt"),
    ],
)
def test_converse_refuses_options_that_do_not_exist(
    simulator: RunningSimulator, arguments: dict[str, Any], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        builders.converse(simulator, **arguments)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(GUARDRAIL, "The provided guardrail identifier is invalid.", id="guardrail"),
        pytest.param({"performanceConfigLatency": "optimized"}, "is not supported for", id="latency"),
        pytest.param({"serviceTier": "flex"}, "service tier is not supported", id="tier"),
        pytest.param({"requestMetadata": "{"}, "requestMetadata must be a JSON object", id="metadata"),
        pytest.param({"requestMetadata": '{"a": 1}'}, "requestMetadata must be a JSON object", id="a number"),
        pytest.param(
            {"requestMetadata": json.dumps({str(number): "x" for number in range(17)})}, "at most 16", id="17 pairs"
        ),
    ],
)
def test_invoke_model_refuses_options_that_do_not_exist(
    simulator: RunningSimulator, arguments: dict[str, Any], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        simulator.boto("bedrock-runtime").invoke_model(modelId=builders.STUDENT, body=BODY, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"contentType": "application/json; charset=utf-8"},
        {"accept": "*/*"},
        {"accept": "application/json, text/plain, */*"},
        {},
    ],
)
def test_json_is_the_media_type_of_bodies_and_answers(simulator: RunningSimulator, arguments: Any) -> None:
    answer = simulator.boto("bedrock-runtime").invoke_model(modelId=PRO, body=BODY, **arguments)
    assert answer["contentType"] == "application/json"


@pytest.mark.parametrize("method", ["invoke_model", "invoke_model_with_response_stream"])
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"contentType": "application/xml"}, "The provided Content Type is invalid or not supported for this model"),
        ({"accept": "image/png"}, "The provided Accept Type is invalid or not supported for this model"),
    ],
)
def test_another_media_type_is_refused(simulator: RunningSimulator, method: str, arguments: Any, text: str) -> None:
    with refused("ValidationException", text, status=400):
        getattr(simulator.boto("bedrock-runtime"), method)(modelId=PRO, body=BODY, **arguments)
