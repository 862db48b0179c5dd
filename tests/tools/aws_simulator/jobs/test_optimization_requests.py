"""A request for a prompt optimization job is checked before a job exists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.jobs.optimization_requests import inference_arguments


@pytest.fixture(autouse=True)
def nothing_is_created(simulator: RunningSimulator) -> Any:
    yield
    assert simulator.boto("bedrock").list_advanced_prompt_optimization_jobs()["jobSummaries"] == []


def create(simulator: RunningSimulator, **changes: Any) -> None:
    builders.create_optimization(simulator, **changes)


@pytest.mark.parametrize(
    "model_id",
    [
        "amazon.nova-micro-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0",
    ],
)
def test_models_of_nova_need_an_inference_profile(simulator: RunningSimulator, model_id: str) -> None:
    with refused("ValidationException", "No inference API is accessible for model.", status=400):
        create(simulator, modelConfigurations=[{"modelId": model_id}])


@pytest.mark.parametrize(
    ("model_id", "code", "text"),
    [
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "ValidationException", "inference profile"),
        ("us.amazon.nova-nano-v1:0", "ValidationException", "The provided model identifier is invalid"),
        ("anthropic.claude-instant-v1", "ResourceNotFoundException", "end of its life"),
        ("eu.amazon.nova-micro-v1:0", "ValidationException", "The provided model identifier is invalid"),
    ],
)
def test_a_model_that_cannot_be_asked_is_refused(
    simulator: RunningSimulator, model_id: str, code: str, text: str
) -> None:
    with refused(code, text):
        create(simulator, modelConfigurations=[{"modelId": builders.OPTIMIZED}, {"modelId": model_id}])


def test_a_configuration_that_converse_would_refuse_is_refused(simulator: RunningSimulator) -> None:
    for changes in (
        {"inferenceConfig": {"maxTokens": 10**9}},
        {"additionalModelRequestFields": {"unknown": 1}},
    ):
        with refused("ValidationException"):
            create(simulator, modelConfigurations=[{"modelId": builders.OPTIMIZED, **changes}])


def test_the_models_must_differ(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "must differ"):
        create(simulator, modelConfigurations=[{"modelId": builders.OPTIMIZED}] * 2)


def test_only_some_regions_have_these_jobs(simulator: RunningSimulator) -> None:
    request = builders.optimization_request(simulator)
    with refused("ValidationException", "not supported in the Region eu-north-1"):
        simulator.boto("bedrock", region="eu-north-1").create_advanced_prompt_optimization_job(**request)
    with refused("ValidationException", f"{builders.BUCKET} does not exist in the Region us-west-2"):
        simulator.boto("bedrock", region="us-west-2").create_advanced_prompt_optimization_job(**request)


def test_the_output_is_a_folder(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "outputConfig.s3Uri"):
        create(simulator, outputConfig={"s3Uri": f"s3://{builders.BUCKET}/optimized"})


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (b"", "Input file is empty"),
        (b"no json", "File is not valid JSONL"),
        ([builders.optimization_line(promptTemplate="{{document}}")], "Line 1: placeholder mismatch"),
    ],
)
def test_a_wrong_input_file_is_refused(simulator: RunningSimulator, lines: Any, text: str) -> None:
    with refused("ValidationException", text, status=400):
        create(simulator, lines=lines)


def test_an_absent_input_file_is_not_found(simulator: RunningSimulator) -> None:
    with refused("ResourceNotFoundException", "s3://training-bucket/none.jsonl", status=404):
        create(simulator, inputConfig={"s3Uri": f"s3://{builders.BUCKET}/none.jsonl"})


def test_the_configuration_of_a_model_becomes_arguments_of_converse() -> None:
    fields: dict[str, Any] = {"inferenceConfig": {"maxTokens": 5}, "additionalModelRequestFields": {"a": 1}}
    assert inference_arguments({"modelId": "m", **fields}) == fields
    assert inference_arguments({"modelId": "m"}) == {}
