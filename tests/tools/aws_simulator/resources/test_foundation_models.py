"""The foundation models of the catalog are shown and listed as on Bedrock."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused


def test_a_foundation_model_that_can_be_customized_is_listed_under_both_ids(simulator: RunningSimulator) -> None:
    models = simulator.boto("bedrock").list_foundation_models(byProvider="amazon")["modelSummaries"]
    found = {model["modelId"]: model for model in models}
    plain, suffixed = found["amazon.nova-micro-v1:0"], found[builders.STUDENT_BASE]
    assert (plain["customizationsSupported"], plain["inferenceTypesSupported"]) == (
        [],
        ["ON_DEMAND", "INFERENCE_PROFILE"],
    )
    assert (suffixed["customizationsSupported"], suffixed["inferenceTypesSupported"]) == (
        ["FINE_TUNING", "DISTILLATION"],
        ["PROVISIONED"],
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({"byCustomizationType": "FINE_TUNING"}, "meta.llama3-1-8b-instruct-v1:0:128k", id="customizable"),
        pytest.param({"byInferenceType": "ON_DEMAND"}, "meta.llama3-70b-instruct-v1:0", id="on demand"),
        pytest.param({"byProvider": "Anthropic"}, "anthropic.claude-sonnet-5-5", id="provider"),
    ],
)
def test_foundation_models_are_filtered_and_retired_ones_are_not_listed(
    simulator: RunningSimulator, filters: dict[str, str], expected: str
) -> None:
    bedrock = simulator.boto("bedrock", region="us-west-2")
    found = {model["modelId"] for model in bedrock.list_foundation_models(**filters)["modelSummaries"]}
    everything = {model["modelId"] for model in bedrock.list_foundation_models()["modelSummaries"]}
    assert expected in found
    assert found < everything
    assert "anthropic.claude-3-haiku-20240307-v1:0" not in everything


def test_a_models_lifecycle_is_active_legacy_or_retired(simulator: RunningSimulator) -> None:
    bedrock = simulator.boto("bedrock", region="us-west-2")

    def status(model_id: str) -> str:
        return bedrock.get_foundation_model(modelIdentifier=model_id)["modelDetails"]["modelLifecycle"]["status"]

    assert status("amazon.nova-micro-v1:0") == "ACTIVE"
    simulator.admin("PUT", "settings", {"as_of": "2026-03-10"})
    assert status("anthropic.claude-3-haiku-20240307-v1:0") == "LEGACY"
    simulator.admin("PUT", "settings", {"as_of": None})
    with refused("ResourceNotFoundException", "reached the end of its life", status=404):
        status("anthropic.claude-3-haiku-20240307-v1:0")
    with refused("ResourceNotFoundException", "reached the end of its life"):
        bedrock.get_foundation_model_availability(modelId="anthropic.claude-instant-v1")
    with refused("ValidationException", "The provided model identifier is invalid."):
        status("amazon.nova-imaginary-v1:0")


def test_a_model_is_customizable_only_in_its_listed_regions(simulator: RunningSimulator) -> None:
    simulator.boto("bedrock", region="us-east-1").get_foundation_model(modelIdentifier=builders.STUDENT_BASE)
    with refused("ValidationException", "invalid"):
        simulator.boto("bedrock", region="us-west-2").get_foundation_model(modelIdentifier=builders.STUDENT_BASE)


@pytest.mark.parametrize(
    ("model_id", "region", "expected"),
    [
        pytest.param("amazon.nova-2-lite-v1:0", "us-east-1", ["INFERENCE_PROFILE"], id="profiles only"),
        pytest.param("amazon.nova-micro-v1:0", "us-east-1", ["ON_DEMAND", "INFERENCE_PROFILE"], id="both"),
        pytest.param("amazon.nova-micro-v1:0", "sa-east-1", ["ON_DEMAND"], id="no profile in the Region"),
        pytest.param("deepseek.v3.2", "us-east-1", ["ON_DEMAND"], id="no profiles"),
    ],
)
def test_the_inference_types_include_profiles(
    simulator: RunningSimulator, model_id: str, region: str, expected: list[str]
) -> None:
    details = simulator.boto("bedrock", region=region).get_foundation_model(modelIdentifier=model_id)["modelDetails"]
    assert details["inferenceTypesSupported"] == expected


MISSING, HINT = "The provided model identifier is invalid.", "x-simulator-hint"


@pytest.mark.parametrize(
    ("model_id", "is_hinted"),
    [
        pytest.param("amazon.titan-embed-text-v2:0", True, id="a kind of model that the catalog lacks"),
        pytest.param("us.anthropic.claude-opus-4-1-20250805-v1:0", True, id="profile of a missing model"),
        pytest.param("arn:aws:bedrock:us-east-1::foundation-model/cohere.command-r-v1:0", True, id="ARN"),
        pytest.param("xx.amazon.nova-micro-v1:0", False, id="a model of the catalog under a wrong name"),
        pytest.param("gpt-4o", False, id="no id of Bedrock"),
    ],
)
def test_a_model_that_only_the_simulator_lacks_has_a_hint_in_a_header_and_in_the_log(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture, model_id: str, is_hinted: bool
) -> None:
    messages = [{"role": "user", "content": [{"text": "Hello"}]}]
    with pytest.raises(ClientError) as caught:
        simulator.boto("bedrock-runtime").converse(modelId=model_id, messages=messages)
    response = caught.value.response
    assert (response["Error"]["Code"], response["Error"]["Message"]) == ("ValidationException", MISSING)
    hint = response["ResponseMetadata"]["HTTPHeaders"].get(HINT, "")
    assert ("catalog/models.yaml" in hint and "README.md" in hint) == is_hinted
    assert (bool(hint) and hint in caplog.text) == is_hinted


def test_every_operation_that_names_a_model_has_the_hint(simulator: RunningSimulator) -> None:
    bedrock, missing = simulator.boto("bedrock"), "amazon.titan-text-premier-v1:0"
    calls = [
        lambda: bedrock.get_foundation_model(modelIdentifier=missing),
        lambda: bedrock.create_provisioned_model_throughput(
            provisionedModelName="titan", modelUnits=1, modelId=missing
        ),
        lambda: builders.create_job(simulator, baseModelIdentifier=missing),
        lambda: builders.create_batch(simulator, modelId=missing),
        lambda: simulator.boto("bedrock-runtime").count_tokens(modelId=missing, input={"invokeModel": {"body": b"{}"}}),
    ]
    for call in calls:
        with pytest.raises(ClientError, match=MISSING) as caught:
            call()
        assert caught.value.response["ResponseMetadata"]["HTTPHeaders"][HINT]


def test_models_that_read_videos_say_so(simulator: RunningSimulator) -> None:
    summaries = simulator.boto("bedrock").list_foundation_models(byProvider="Amazon")["modelSummaries"]
    modalities = {summary["modelId"]: summary["inputModalities"] for summary in summaries}
    assert modalities["amazon.nova-lite-v1:0"] == modalities["amazon.nova-pro-v1:0:300k"] == ["TEXT", "IMAGE", "VIDEO"]
    assert modalities["amazon.nova-micro-v1:0"] == ["TEXT"]
