"""
A model's life cycle on the day of the setting ``as_of`` decides what the account may do with it.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html. A legacy model goes on answering, but
takes no new customization jobs and no new throughput. A retired model does not exist any more. Dates of Claude 3 Haiku:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle-legacy.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
HAIKU_BASE = f"{HAIKU}:200k"
REGION = "us-west-2"  # the only Region in which Claude 3 Haiku could be customized
ACTIVE, LAST_ACTIVE, LEGACY, LAST_LEGACY, RETIRED = "2025-02-12", "2026-03-09", "2026-03-10", "2026-09-09", "2026-09-10"


@pytest.fixture
def on(simulator: RunningSimulator) -> Iterator[Any]:
    """A function that sets the day."""
    yield lambda day: simulator.admin("PUT", "settings", {"as_of": day})
    simulator.admin("PUT", "settings", {"as_of": None})


def job_request(simulator: RunningSimulator) -> dict[str, Any]:
    messages = [
        {"role": "user", "content": "What is Amazon S3?"},
        {"role": "assistant", "content": "A service that stores objects."},
    ]
    name = builders.fresh("haiku")
    data = builders.jsonl([{"messages": messages} for _ in range(32)])
    uri = builders.put(simulator, f"{name}/train.jsonl", data, bucket="training-in-oregon", region=REGION)
    return {
        "jobName": name,
        "customModelName": f"{name}-model",
        "roleArn": builders.ROLE,
        "baseModelIdentifier": HAIKU_BASE,
        "trainingDataConfig": {"s3Uri": uri},
        "outputDataConfig": {"s3Uri": "s3://training-in-oregon/output"},
    }


def ask(simulator: RunningSimulator) -> Any:
    runtime = simulator.boto("bedrock-runtime", region=REGION)
    body = builders.anthropic_body(messages=[{"role": "user", "content": "Hello"}])
    return runtime.invoke_model(modelId=HAIKU, body=json.dumps(body))


@pytest.mark.parametrize("day", [ACTIVE, LAST_ACTIVE])
def test_claude_3_haiku_could_be_customized_while_it_was_active(simulator: RunningSimulator, on: Any, day: str) -> None:
    on(day)
    client = simulator.boto("bedrock", region=REGION)
    details = client.get_foundation_model(modelIdentifier=HAIKU_BASE)["modelDetails"]
    assert (details["modelLifecycle"]["status"], details["customizationsSupported"]) == ("ACTIVE", ["FINE_TUNING"])
    arn = client.create_model_customization_job(**job_request(simulator))["jobArn"]
    assert client.get_model_customization_job(jobIdentifier=arn)["baseModelArn"].endswith(HAIKU_BASE)
    throughput = client.create_provisioned_model_throughput(
        provisionedModelName=builders.fresh("haiku"), modelUnits=1, modelId=HAIKU_BASE
    )["provisionedModelArn"]
    client.delete_provisioned_model_throughput(provisionedModelId=throughput)


@pytest.mark.parametrize("day", [LEGACY, LAST_LEGACY])
def test_a_legacy_model_answers_but_takes_no_new_jobs_and_no_new_throughput(
    simulator: RunningSimulator, on: Any, day: str
) -> None:
    on(day)
    client = simulator.boto("bedrock", region=REGION)
    details = client.get_foundation_model(modelIdentifier=HAIKU_BASE)["modelDetails"]
    assert (details["modelLifecycle"]["status"], details["customizationsSupported"]) == ("LEGACY", [])
    assert HAIKU in [model["modelId"] for model in client.list_foundation_models()["modelSummaries"]]
    assert ask(simulator)["ResponseMetadata"]["HTTPStatusCode"] == 200
    with refused("ValidationException"):
        client.create_model_customization_job(**job_request(simulator))
    with refused("ValidationException", "not supported for the model"):
        client.create_provisioned_model_throughput(
            provisionedModelName=builders.fresh("haiku"), modelUnits=1, modelId=HAIKU_BASE
        )


@pytest.mark.parametrize("day", [RETIRED, None])
def test_a_retired_model_does_not_exist_any_more(simulator: RunningSimulator, on: Any, day: str | None) -> None:
    on(day)
    client = simulator.boto("bedrock", region=REGION)
    assert HAIKU not in [model["modelId"] for model in client.list_foundation_models()["modelSummaries"]]
    with refused("ResourceNotFoundException", "end of its life"):
        client.get_foundation_model(modelIdentifier=HAIKU)
    with refused("ResourceNotFoundException", "end of its life"):
        client.get_foundation_model_availability(modelId=HAIKU)
    with refused("ResourceNotFoundException", "end of its life"):
        ask(simulator)
    with refused("ValidationException"):
        client.create_model_customization_job(**job_request(simulator))


def test_the_profiles_of_a_retired_model_are_gone(simulator: RunningSimulator, on: Any) -> None:
    profile = "us.meta.llama3-2-1b-instruct-v1:0"
    client = simulator.boto("bedrock", region=REGION)

    def listed() -> bool:
        pages = client.get_paginator("list_inference_profiles").paginate()
        return profile in [p["inferenceProfileId"] for page in pages for p in page["inferenceProfileSummaries"]]

    on("2026-07-06")
    assert listed()
    assert client.get_inference_profile(inferenceProfileIdentifier=profile)["status"] == "ACTIVE"
    on("2026-07-07")
    assert not listed()
    with refused("ResourceNotFoundException", profile):
        client.get_inference_profile(inferenceProfileIdentifier=profile)


def test_a_throughput_serves_a_legacy_model_until_the_model_is_retired(simulator: RunningSimulator, on: Any) -> None:
    on(ACTIVE)
    client = simulator.boto("bedrock", region=REGION)
    arn = client.create_provisioned_model_throughput(
        provisionedModelName=builders.fresh("haiku"), modelUnits=1, modelId=HAIKU_BASE
    )["provisionedModelArn"]
    on(LEGACY)
    simulator.admin("PUT", "settings", {"throughput_seconds": 0})
    assert client.get_provisioned_model_throughput(provisionedModelId=arn)["status"] == "InService"
    messages = [{"role": "user", "content": [{"text": "Hello"}]}]
    runtime = simulator.boto("bedrock-runtime", region=REGION)
    assert runtime.converse(modelId=arn, messages=messages)["stopReason"] == "end_turn"
    on(RETIRED)
    with refused("ResourceNotFoundException", "end of its life"):
        runtime.converse(modelId=arn, messages=messages)
    client.delete_provisioned_model_throughput(provisionedModelId=arn)
