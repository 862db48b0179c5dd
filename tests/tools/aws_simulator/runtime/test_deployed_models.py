"""
Calls of a deployed custom model.

Sources: ``modelId`` of the operations in botocore's service models. InvokeModel, Converse and their streams take the
ARN of a deployment, CreateModelInvocationJob does not. Quotas: ``catalog/models.yaml``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import deploy, refused
from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.resources.deployments import FIRST_DAY, Deployments
from tools.aws_simulator.resources.foundation_models import FoundationModels

LLAMA_BASE = "meta.llama3-3-70b-instruct-v1:0:128k"
MESSAGES = [{"role": "user", "content": [{"text": builders.prompt()}]}]
BODY = json.dumps({"messages": MESSAGES, "inferenceConfig": {"maxTokens": 200}})


@pytest.fixture(scope="module")
def model(_running: RunningSimulator) -> str:
    return builders.custom_model(_running)


@pytest.fixture(scope="module")
def deployment(_running: RunningSimulator, model: str) -> str:
    return deploy(_running, model, modelDeploymentName="called")


def test_a_deployment_answers_all_four_calls_as_a_throughput_does(
    simulator: RunningSimulator, model: str, deployment: str
) -> None:
    runtime = simulator.boto("bedrock-runtime")
    throughput = builders.provision(simulator, model)
    expected = builders.converse(simulator, throughput)
    text = builders.text_of(expected)
    conversed = builders.converse(simulator, deployment)
    assert (builders.text_of(conversed), conversed["usage"]) == (text, expected["usage"])
    invoked, response = builders.invoke(simulator, deployment, BODY.encode())
    assert invoked["output"]["message"]["content"][0]["text"] == text
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-output-token-count"] == str(expected["usage"]["outputTokens"])
    stream = runtime.converse_stream(modelId=deployment, messages=MESSAGES, inferenceConfig={"maxTokens": 200})
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in stream["stream"] if "contentBlockDelta" in event]
    assert "".join(deltas) == text
    chunks = runtime.invoke_model_with_response_stream(modelId=deployment, body=BODY)["body"]
    raw = [json.loads(chunk["chunk"]["bytes"]) for chunk in chunks]
    assert "".join(c["contentBlockDelta"]["delta"]["text"] for c in raw if "contentBlockDelta" in c) == text
    counts = simulator.ledger["by_model"][deployment]
    assert (counts["calls"], counts["output_tokens"]) == (4, 4 * expected["usage"]["outputTokens"])
    simulator.boto("bedrock").delete_provisioned_model_throughput(provisionedModelId=throughput)


def test_a_deployment_is_not_called_by_its_name_and_a_custom_model_not_without_a_deployment(
    simulator: RunningSimulator, model: str, deployment: str
) -> None:
    runtime = simulator.boto("bedrock-runtime")
    for identifier in ("called", model):
        with refused("ValidationException", status=400):
            runtime.converse(modelId=identifier, messages=MESSAGES)
        with refused("ValidationException", status=400):
            runtime.invoke_model(modelId=identifier, body=BODY)
        with refused("ValidationException", status=400):
            runtime.converse_stream(modelId=identifier, messages=MESSAGES)
    with refused("ResourceNotFoundException", status=404):
        simulator.boto("bedrock-runtime", region="us-west-2").converse(modelId=deployment, messages=MESSAGES)


def test_tokens_of_a_deployed_model_cannot_be_counted(simulator: RunningSimulator, deployment: str) -> None:
    with refused("ValidationException", "doesn't support counting tokens"):
        simulator.boto("bedrock-runtime").count_tokens(modelId=deployment, input={"converse": {"messages": MESSAGES}})


def test_batch_jobs_and_throughputs_take_no_deployment(simulator: RunningSimulator, deployment: str) -> None:
    client = simulator.boto("bedrock", parameter_validation=False)
    with refused("ValidationException", "modelId", status=400):
        client.create_model_invocation_job(**builders.batch_request(simulator, modelId=deployment))
    with refused("ValidationException", "modelId", status=400):
        client.create_provisioned_model_throughput(provisionedModelName="no", modelUnits=1, modelId=deployment)


@pytest.mark.parametrize("operation", ["converse", "converse_stream", "invoke_model"])
def test_a_deployment_that_is_being_created_is_not_ready(
    simulator: RunningSimulator, model: str, operation: str
) -> None:
    simulator.admin("PUT", "settings", {"deployment_seconds": 3600})
    arn = deploy(simulator, model, wait=False)
    simulator.admin("POST", "ledger/reset")
    request: dict[str, Any] = {"body": BODY} if operation == "invoke_model" else {"messages": MESSAGES}
    with refused("ModelNotReadyException", status=429):
        getattr(simulator.boto("bedrock-runtime"), operation)(modelId=arn, **request)
    counts = simulator.ledger["by_model"][arn]
    assert (counts["calls"], counts["rejected"]) == (0, 1)
    simulator.boto("bedrock").delete_custom_model_deployment(customModelDeploymentIdentifier=arn)


def test_each_deployment_of_llama_has_four_requests_a_minute(simulator: RunningSimulator) -> None:
    model = builders.llama_model(simulator, LLAMA_BASE)
    client = simulator.boto("bedrock", region="us-west-2")
    runtime = simulator.boto("bedrock-runtime", region="us-west-2")
    simulator.admin("PUT", "settings", {"deployment_seconds": 0})
    arns = [
        client.create_custom_model_deployment(modelDeploymentName=name, modelArn=model)["customModelDeploymentArn"]
        for name in ("llama-a", "llama-b")
    ]
    for arn in arns:
        for _ in range(4):
            runtime.converse(modelId=arn, messages=MESSAGES, inferenceConfig={"maxTokens": 100})
        with refused("ThrottlingException", "Too many requests, please wait before trying again.", status=429):
            runtime.converse(modelId=arn, messages=MESSAGES)
    name = "custom-model-deployment/llama-3-3-70b"
    simulator.admin("PUT", "settings", {"quotas": {name: {"rpm": 100, "tpm": 50}}})
    with refused("ThrottlingException", "Too many tokens, please wait before trying again.", status=429):
        runtime.converse(modelId=arns[0], messages=MESSAGES)
    entries = {entry["name"]: entry for entry in simulator.ledger["deployments"]}
    assert [entries[name]["calls"] for name in ("llama-a", "llama-b")] == [4, 4]
    assert entries["llama-a"]["rejected"] == 2


def test_the_quota_of_the_base_model_does_not_apply_to_deployments(
    simulator: RunningSimulator, deployment: str
) -> None:
    simulator.admin("PUT", "settings", {"quotas": {"nova-micro": {"rpm": 1}}})
    builders.converse(simulator)
    for _ in range(3):
        builders.converse(simulator, deployment)
    with refused("ThrottlingException"):
        builders.converse(simulator)


@pytest.mark.parametrize("seconds", [-1, 0])
def test_a_model_that_was_customized_too_early_cannot_be_deployed(seconds: float) -> None:
    state = State(Path(":memory:"))
    settings = SettingsStore(state)
    base = "amazon.nova-micro-v1:0:128k"
    arn = f"arn:aws:bedrock:us-east-1:123456789012:custom-model/{base}/abcdefghijkl"
    body: Any = {"baseModelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{base}", "baseModelId": base}
    customized = FIRST_DAY.timestamp() + seconds
    state.custom_models.add(Resource("custom_model", arn, "us-east-1", "old", customized, body))
    deployments = Deployments(state, settings, FoundationModels(load_catalog(), settings))
    call = Call({"modelDeploymentName": "old", "modelArn": arn}, "us-east-1")
    if seconds < 0:
        with pytest.raises(ValidationException, match="before 2025-07-16"):
            deployments.create(call)
    else:
        assert deployments.create(call)["customModelDeploymentArn"]


def test_the_catalog_has_limits_exactly_for_the_models_that_can_be_deployed() -> None:
    found = {
        model.key: model.customization.deployment
        for model in load_catalog().models.values()
        if model.customization and "custom_model_deployment" in model.customization.serving
    }
    limits = {key: (e.regions, e.requests_per_minute, e.tokens_per_minute) for key, e in found.items() if e}
    assert limits == {
        "nova-micro": (("us-east-1",), 2000, 4_000_000),
        "nova-lite": (("us-east-1",), 2000, 4_000_000),
        "nova-pro": (("us-east-1",), 200, 800_000),
        "nova-2-lite": (("us-east-1",), 2000, 4_000_000),
        "llama-3-3-70b": (("us-west-2",), 4, 300_000),
    }
    assert set(found) == {
        model.key for model in load_catalog().models.values() if model.customization and model.customization.deployment
    }
