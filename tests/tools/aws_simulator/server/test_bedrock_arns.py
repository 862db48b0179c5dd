from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.resources.foundation_models import FoundationModels
from tools.aws_simulator.resources.inference_profiles import InferenceProfiles
from tools.aws_simulator.server.bedrock_arns import BedrockArns, foundation_model, own_arn

REGION = "us-west-2"
OWN = f"arn:aws:bedrock:{REGION}:{ACCOUNT_ID}"
MODEL = f"arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-micro-v1:0"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "bedrock.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def arns(state: State) -> BedrockArns:
    return BedrockArns(state, InferenceProfiles(state, FoundationModels(load_catalog(), SettingsStore(state))))


def test_a_resource_is_found_by_its_name_and_by_its_arn(arns: BedrockArns, state: State) -> None:
    arn, body = f"{OWN}:provisioned-model/abc", {}
    state.throughputs.add(Resource("throughput", arn, REGION, "mine", 0.0, body))  # type: ignore[arg-type]
    state.tag(arn, {"project": "p"})
    for identifier in ("mine", arn):
        found = arns.existing(REGION, "provisioned-model", identifier)
        assert (found.arn, found.context) == (arn, {"aws:ResourceTag/project": "p"})
    state.throughputs.delete(arn, 1.0)
    assert arns.tagged(arn).context == {}, "a deleted resource has no tags"
    elsewhere = arns.existing("us-east-1", "provisioned-model", "mine")
    assert (elsewhere.arn, elsewhere.context) == (own_arn("us-east-1", "provisioned-model", "mine"), {})


@pytest.mark.parametrize("identifier", ["amazon.nova-micro-v1:0", MODEL])
def test_a_foundation_model_does_not_belong_to_the_account(arns: BedrockArns, identifier: str) -> None:
    for found in (foundation_model(REGION, identifier), arns.model(REGION, identifier)):
        assert (found.arn, found.context) == (MODEL, {"aws:ResourceAccount": ()})


def test_a_custom_model_is_found_by_its_name(arns: BedrockArns, state: State) -> None:
    arn, body = f"{OWN}:custom-model/abc", {}
    state.custom_models.add(Resource("custom_model", arn, REGION, "mine", 0.0, body))  # type: ignore[arg-type]
    assert arns.model(REGION, "mine").arn == arn
    assert [found.arn for found in arns.sources(REGION, "mine")] == [arn]
    assert arns.model(REGION, f"{OWN}:custom-model/none").arn == f"{OWN}:custom-model/none"


def test_a_job_needs_the_profile_and_the_model_in_its_own_region(arns: BedrockArns) -> None:
    found = [named.arn for named in arns.sources(REGION, "us.amazon.nova-micro-v1:0")]
    assert found == [f"{OWN}:inference-profile/us.amazon.nova-micro-v1:0", MODEL]


@pytest.mark.parametrize("kind", ["provisioned-model", "custom-model-deployment"])
def test_a_job_needs_the_endpoint_that_it_asks(arns: BedrockArns, kind: str) -> None:
    assert [named.arn for named in arns.sources(REGION, f"{OWN}:{kind}/x")] == [f"{OWN}:{kind}/x"]


def test_a_profile_is_found_by_its_id_and_by_its_arn(arns: BedrockArns, state: State) -> None:
    system, own = f"{OWN}:inference-profile/us.amazon.nova-micro-v1:0", f"{OWN}:application-inference-profile/abc"
    body: Any = {"modelId": "amazon.nova-micro-v1:0", "modelArns": [MODEL]}
    state.inference_profiles.add(Resource("inference_profile", own, REGION, "mine", 0.0, body))
    for identifier, arn in (("us.amazon.nova-micro-v1:0", system), (system, system), ("abc", own), (own, own)):
        assert arns.profile(REGION, identifier).arn == arn
    assert arns.profile(REGION, "none").arn == f"{OWN}:inference-profile/none"
