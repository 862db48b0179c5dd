"""The list of needed actions has every resource on which the AWS simulator checks the requests of a use case."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from include.distill.account_check.needed_actions import needed_actions
from include.distill.account_check.needs import Arns
from include.distill.config.catalog import Model
from include.distill.config.catalog import load_catalog as product_catalog
from include.distill.config.use_case import UseCase
from tests.deploy.test_needed_actions import USE_CASES
from tests.distill.account_check.test_needed_actions import EVERYTHING
from tests.distill.conftest import make_use_case
from tools.aws_simulator.account.calls import Call
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import State
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.resources.foundation_models import FoundationModels
from tools.aws_simulator.resources.inference_profiles import InferenceProfiles
from tools.aws_simulator.server.bedrock_actions import CREATIONS, BedrockActions
from tools.aws_simulator.server.bedrock_arns import BedrockArns

EVERY_PURCHASE = make_use_case(**{**EVERYTHING, "judging": {"inference": "batch"}})
ON_DEMAND = make_use_case(**{**EVERYTHING, "promotion": {"serve": "on_demand"}})
CHECKED = {**USE_CASES, "every purchase": EVERY_PURCHASE, "endpoints on demand": ON_DEMAND}
TAGS = [{"key": "project", "value": "p"}]
# Runs use the profiles that Bedrock defines, and create none.
BOUGHT = CREATIONS.keys() - {"CreateInferenceProfile"}
Request = tuple[str, dict[str, Any]]


@pytest.fixture
def actions(tmp_path: Path) -> Iterator[BedrockActions]:
    state = State(tmp_path / "bedrock.sqlite")
    models = FoundationModels(load_catalog(), SettingsStore(state))
    yield BedrockActions(BedrockArns(state, InferenceProfiles(state, models)))
    state.close()


def models_of(keys: tuple[str, ...]) -> list[Model]:
    return [product_catalog().model(key) for key in keys]


def requests(use_case: UseCase) -> Iterator[Request]:
    """Yield the requests that buy something for a use case, and those that call its models."""
    named = {need.action.removeprefix("bedrock:") for need in needed_actions(use_case)}
    role, custom = use_case.aws.role_arn, Arns.of(use_case).any("custom-model").replace("*", "a" * 12)
    student = product_catalog().model(use_case.student)
    if student.customization:
        base = student.customization.base_model_id
        trained = {"baseModelIdentifier": base, "roleArn": role, "jobTags": TAGS, "customModelTags": TAGS}
        yield "CreateModelCustomizationJob", trained
    batches = (
        *([use_case.teacher] if use_case.synthesis.inference == "batch" and use_case.wants_pairs else []),
        *(use_case.judges if use_case.judging.inference == "batch" else ()),
    )
    for model in models_of(batches):
        yield "CreateModelInvocationJob", {"modelId": model.inference_id, "roleArn": role, "tags": TAGS}
    if "CreateEvaluationJob" in named:
        judges = [{"modelIdentifier": model.inference_id} for model in models_of(tuple(use_case.evaluators))]
        asked = {"automated": {"evaluatorModelConfig": {"bedrockEvaluatorModels": judges}}}
        job = {"roleArn": role, "evaluationConfig": asked, "inferenceConfig": {}, "jobTags": TAGS}
        yield "CreateEvaluationJob", job
    for operation, arguments in {
        "CreateAdvancedPromptOptimizationJob": {"tags": TAGS},
        "CreateProvisionedModelThroughput": {"modelId": custom, "tags": TAGS},
        "CreateCustomModelDeployment": {"modelArn": custom, "tags": TAGS},
    }.items():
        if operation in named:
            yield operation, arguments
    for model in models_of(tuple(use_case.models)):
        yield "Converse", {"modelId": model.inference_id}


@pytest.mark.parametrize("name", sorted(CHECKED))
def test_every_resource_on_which_the_simulator_checks_a_request_is_in_the_list(
    name: str, actions: BedrockActions
) -> None:
    use_case = CHECKED[name]
    needs = [need for need in needed_actions(use_case) if need.who in ("run", "promotion")]
    for operation, arguments in requests(use_case):
        accesses = list(actions.needed(operation, Call(arguments, use_case.aws.region)))
        assert accesses
        lacking = [
            access
            for access in accesses
            if not any(need.action == access.action and fnmatchcase(access.resource, need.resource) for need in needs)
        ]
        assert lacking == [], operation


def test_every_kind_of_purchase_is_compared() -> None:
    assert {operation for operation, _ in [*requests(EVERY_PURCHASE), *requests(ON_DEMAND)]} >= BOUGHT
