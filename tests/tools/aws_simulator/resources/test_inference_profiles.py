"""
System-defined inference profiles come from the catalog; application profiles are created, used and deleted.

Sources: botocore's service model, https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-create.html
and https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-use.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import State
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.resources.foundation_models import FoundationModels
from tools.aws_simulator.resources.inference_profiles import PROFILES_PER_REGION, InferenceProfiles

NOVA = "amazon.nova-micro-v1:0"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
PROFILE_ARN = "arn:aws:bedrock:{region}:123456789012:inference-profile/{profile}"


def model_arn(model_id: str, region: str = "us-east-1") -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model_id}"


def profile_arn(profile: str, region: str = "us-east-1") -> str:
    return PROFILE_ARN.format(region=region, profile=profile)


def create(simulator: RunningSimulator, source: str | None = None, *, region: str = "us-east-1", **changes: Any) -> str:
    request = {
        "inferenceProfileName": builders.fresh("team profile"),
        "modelSource": {"copyFrom": source or profile_arn(f"us.{HAIKU}")},
        **changes,
    }
    return str(simulator.boto("bedrock", region=region).create_inference_profile(**request)["inferenceProfileArn"])


def show(simulator: RunningSimulator, identifier: str, region: str = "us-east-1") -> Any:
    return simulator.boto("bedrock", region=region).get_inference_profile(inferenceProfileIdentifier=identifier)


US = ["us-east-1", "us-east-2", "us-west-2"]


@pytest.mark.parametrize(
    ("profile", "region", "name", "regions"),
    [
        pytest.param(f"us.{NOVA}", "us-west-2", "US Nova Micro", US, id="us"),
        pytest.param(
            f"us.{HAIKU}", "ca-central-1", "US Anthropic Claude Haiku 4.5", ["ca-central-1", *US], id="canada"
        ),
        pytest.param("us.amazon.nova-2-lite-v1:0", "us-east-1", "US Amazon Nova 2 Lite", US, id="with provider"),
        pytest.param(
            f"apac.{NOVA}", "ap-south-1", "APAC Nova Micro", 6, id="more models than the service model allows"
        ),
        pytest.param(f"eu.{HAIKU}", "eu-west-1", "EU Anthropic Claude Haiku 4.5", 6, id="eu"),
        pytest.param(f"in.{HAIKU}", "ap-south-1", "IN Anthropic Claude Haiku 4.5", 2, id="india"),
        pytest.param(
            f"global.{HAIKU}", "sa-east-1", "Global Anthropic Claude Haiku 4.5", ["", "sa-east-1"], id="global"
        ),
    ],
)
def test_a_system_defined_profile_is_found_by_id_and_arn_in_the_regions_of_its_geography(
    simulator: RunningSimulator, profile: str, region: str, name: str, regions: list[str] | int
) -> None:
    shown = show(simulator, profile, region)
    assert shown["inferenceProfileName"] == name
    assert (shown["inferenceProfileId"], shown["type"], shown["status"]) == (profile, "SYSTEM_DEFINED", "ACTIVE")
    arns = [model["modelArn"] for model in shown["models"]]
    model_id = profile.partition(".")[2]
    assert len(arns) == regions if isinstance(regions, int) else arns == [model_arn(model_id, r) for r in regions]
    by_arn = show(simulator, shown["inferenceProfileArn"], region)
    assert by_arn["models"] == shown["models"]
    messages = [{"role": "user", "content": [{"text": builders.prompt()}]}]
    runtime = simulator.boto("bedrock-runtime", region=region)
    assert "1,000" in builders.text_of(runtime.converse(modelId=profile, messages=messages))


@pytest.mark.parametrize(
    ("profile", "region"),
    [
        pytest.param(f"us.{NOVA}", "eu-west-1", id="other geography"),
        pytest.param(f"ap.{NOVA}", "ap-south-1", id="the Region's first word is no scope"),
        pytest.param(f"jp.{NOVA}", "ap-northeast-1", id="the model has no such profile"),
        pytest.param(f"global.{NOVA}", "us-east-1", id="the model has no global profile"),
        pytest.param(NOVA, "us-east-1", id="a model"),
        pytest.param("us.anthropic.claude-3-sonnet-20240229-v1:0", "us-east-1", id="retired"),
        pytest.param("abcdefghijkl", "us-east-1", id="unknown"),
    ],
)
def test_a_profile_that_does_not_exist_is_not_found(simulator: RunningSimulator, profile: str, region: str) -> None:
    with refused("ResourceNotFoundException", profile, status=404):
        show(simulator, profile, region)


def test_profiles_are_listed_by_type_and_in_pages_and_only_system_defined_ones_by_default(
    simulator: RunningSimulator,
) -> None:
    region = "us-east-2"
    arns = {create(simulator, model_arn(NOVA, region), region=region) for _ in range(3)}
    client = simulator.boto("bedrock", region=region)

    def listed(**request: Any) -> list[str]:
        pages = client.get_paginator("list_inference_profiles").paginate(**request)
        return [profile["inferenceProfileArn"] for page in pages for profile in page["inferenceProfileSummaries"]]

    assert set(listed(typeEquals="APPLICATION", PaginationConfig={"PageSize": 2})) == arns
    system_defined = listed(PaginationConfig={"PageSize": 7})
    assert system_defined == listed(typeEquals="SYSTEM_DEFINED")
    assert len(system_defined) == len(set(system_defined)) > 7
    assert profile_arn(f"us.{NOVA}", region) in system_defined
    assert not [arn for arn in system_defined if "/us.anthropic.claude-3" in arn or "/eu." in arn]
    with refused("ValidationException", "nextToken"):
        client.list_inference_profiles(nextToken="bm9wZQ==")


@pytest.mark.parametrize(
    ("source", "arns"),
    [
        pytest.param(model_arn(NOVA), [model_arn(NOVA)], id="a model"),
        pytest.param(
            profile_arn(f"us.{HAIKU}"),
            [model_arn(HAIKU, region) for region in ("us-east-1", "us-east-2", "us-west-2")],
            id="a system-defined profile",
        ),
    ],
)
def test_an_application_profile_copies_a_model_or_a_profile_and_answers_for_it(
    simulator: RunningSimulator, source: str, arns: list[str]
) -> None:
    arn = create(
        simulator, source, inferenceProfileName="Team A", description="Costs of A", tags=[{"key": "team", "value": "a"}]
    )
    profile_id = arn.rpartition("/")[2]
    shown = show(simulator, profile_id)
    assert (shown["inferenceProfileArn"], shown["inferenceProfileId"]) == (arn, profile_id)
    assert (shown["inferenceProfileName"], shown["description"], shown["type"]) == (
        "Team A",
        "Costs of A",
        "APPLICATION",
    )
    assert [model["modelArn"] for model in shown["models"]] == arns
    bedrock = simulator.boto("bedrock")
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "team", "value": "a"}]
    assert "1,000" in builders.text_of(builders.converse(simulator, arn))
    assert simulator.ledger["by_model"][arn]["calls"] == 1
    with refused("ResourceNotFoundException"):
        show(simulator, "Team-A")
    bedrock.delete_inference_profile(inferenceProfileIdentifier=profile_id)
    with refused("ResourceNotFoundException", arn):
        show(simulator, arn)
    with refused("ValidationException", "identifier is invalid"):
        builders.converse(simulator, arn)


def test_a_profile_has_the_body_and_the_quota_of_its_model_and_takes_batch_jobs(
    simulator: RunningSimulator, no_batch_left_running: None
) -> None:
    """Batch jobs: the pattern of CreateModelInvocationJob's ``modelId`` has application profiles."""
    arn = create(simulator)
    body, _ = builders.invoke(simulator, arn, builders.anthropic_body())
    assert body["type"] == "message"
    simulator.admin("PUT", "settings", {"quotas": {"claude-haiku-4-5": {"rpm": 1, "burst": 1}}})
    builders.converse(simulator, arn)
    with refused("ThrottlingException"):
        builders.converse(simulator, f"us.{HAIKU}")
    simulator.admin("PUT", "settings", {"quotas": {}})
    job = builders.finished_batch(simulator, builders.create_batch(simulator, modelId=arn))
    assert (job["status"], job["modelId"]) == ("Completed", arn)
    simulator.boto("bedrock").delete_inference_profile(inferenceProfileIdentifier=arn)


def test_the_same_token_creates_one_profile(simulator: RunningSimulator) -> None:
    request = {"inferenceProfileName": builders.fresh("once"), "clientRequestToken": builders.fresh("token")}
    assert create(simulator, **request) == create(simulator, **request)
    with refused("ConflictException", "already used for a request with other parameters"):
        create(simulator, model_arn(NOVA), **request)
    with refused("ConflictException", "currently in use", status=400):
        create(simulator, inferenceProfileName=request["inferenceProfileName"])


@pytest.mark.parametrize(
    ("source", "changes", "code", "complaint"),
    [
        pytest.param(
            model_arn("amazon.nova-imaginary-v1:0"), {}, "ResourceNotFoundException", "imaginary", id="unknown"
        ),
        pytest.param(model_arn(NOVA, "us-west-2"), {}, "ResourceNotFoundException", "us-west-2", id="other Region"),
        pytest.param(
            model_arn("anthropic.claude-instant-v1"), {}, "ResourceNotFoundException", "claude-instant", id="retired"
        ),
        pytest.param(model_arn(HAIKU), {}, "ValidationException", "on-demand", id="only through profiles"),
        pytest.param(model_arn(builders.STUDENT_BASE), {}, "ValidationException", "on-demand", id="for customization"),
        pytest.param("amazon.nova-micro-v1:0", {}, "ValidationException", "copyFrom", id="not an ARN"),
        pytest.param(None, {"inferenceProfileName": "a__b"}, "ValidationException", "inferenceProfileName", id="name"),
        pytest.param(None, {"description": "a" * 201}, "ValidationException", "200", id="description"),
        pytest.param(None, {"tags": [{"key": "aws:a", "value": ""}]}, "ValidationException", "aws:", id="reserved tag"),
        pytest.param(
            None, {"tags": [{"key": f"k{i}", "value": ""} for i in range(51)]}, "TooManyTagsException", "51", id="tags"
        ),
    ],
)
def test_a_wrong_request_creates_no_profile(
    simulator: RunningSimulator, source: str | None, changes: dict[str, Any], code: str, complaint: str
) -> None:
    region = "us-east-1"
    before = simulator.boto("bedrock", region=region).list_inference_profiles(typeEquals="APPLICATION")
    with refused(code, complaint):
        create(simulator, source, **changes)
    after = simulator.boto("bedrock", region=region).list_inference_profiles(typeEquals="APPLICATION")
    assert after["inferenceProfileSummaries"] == before["inferenceProfileSummaries"]


def test_a_system_defined_profile_cannot_be_deleted(simulator: RunningSimulator) -> None:
    with refused("ValidationException", "system-defined"):
        simulator.boto("bedrock").delete_inference_profile(inferenceProfileIdentifier=f"us.{NOVA}")
    with refused("ResourceNotFoundException"):
        simulator.boto("bedrock").delete_inference_profile(inferenceProfileIdentifier="abcdefghijkl")


def test_a_region_has_a_quota_of_profiles(simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PROFILES_PER_REGION == 1000
    monkeypatch.setattr(f"{InferenceProfiles.__module__}.PROFILES_PER_REGION", 1)
    create(simulator, model_arn(NOVA, "eu-north-1"), region="eu-north-1")
    with refused("ServiceQuotaExceededException", "quota", status=400):
        create(simulator, model_arn(NOVA, "eu-north-1"), region="eu-north-1")


def test_profiles_survive_a_restart(tmp_path: Path) -> None:
    """Only one simulator can run in a process, so the state is read without one."""
    state, models = (
        State(tmp_path / "state.sqlite"),
        FoundationModels(load_catalog(), SettingsStore(State(tmp_path / "settings.sqlite"))),
    )
    source = {"copyFrom": model_arn(NOVA)}
    request = Call(
        {"inferenceProfileName": "kept", "modelSource": source, "tags": [{"key": "a", "value": "b"}]}, "us-east-1"
    )
    arn = InferenceProfiles(state, models).create(request)["inferenceProfileArn"]
    state.close()
    state = State(tmp_path / "state.sqlite")
    profiles = InferenceProfiles(state, models)
    shown = profiles.get(Call({"inferenceProfileIdentifier": arn}, "us-east-1"))
    assert (shown["inferenceProfileName"], state.tags(arn)) == ("kept", {"a": "b"})
    assert profiles.find_model("us-east-1", arn) == models.find("us-east-1", NOVA)
    state.close()


def test_pages_go_on_when_a_profile_is_deleted_between_two_pages(simulator: RunningSimulator) -> None:
    client = simulator.boto("bedrock", region="eu-west-1")
    created = [create(simulator, profile_arn(f"eu.{HAIKU}", "eu-west-1"), region="eu-west-1") for _ in range(3)]
    listed = []
    paginator = client.get_paginator("list_inference_profiles")
    for page in paginator.paginate(typeEquals="APPLICATION", PaginationConfig={"PageSize": 1}):
        listed += [profile["inferenceProfileArn"] for profile in page["inferenceProfileSummaries"]]
        client.delete_inference_profile(inferenceProfileIdentifier=listed[-1])
    assert listed == created
