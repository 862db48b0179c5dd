"""
Operations find a resource by the identifiers that AWS documents, in its own Region, and repeat by client token.

Sources: the descriptions and patterns of the identifiers, and the ``clientRequestToken`` of each Create operation ("if
this token matches a previous request, Amazon Bedrock ignores the request, but does not return an error"), in botocore's
service model. The error for a token with other parameters is not documented (UNVERIFIED).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tests.tools.aws_simulator.conformance.operations import OPERATIONS, call

MODEL_ARN = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0"


@dataclass(frozen=True)
class Kind:
    """
    A kind of resource.

    :param request: returns the arguments of the Create operation without the token.
    :param other: a change of the arguments that makes it another request.
    :param by: the identifiers by which the Get operation finds the resource.
    :param others: the error for other identifiers, which the pattern of the identifier may exclude.
    :param token: the name of the client token.
    """

    create: str
    get: str
    identifier: str
    arn: str
    name: str
    request: Callable[[RunningSimulator], dict[str, Any]]
    other: dict[str, Any]
    by: tuple[str, ...]
    others: str = "ResourceNotFoundException"
    token: str = "clientRequestToken"


def batch_request(simulator: RunningSimulator) -> dict[str, Any]:
    """Return a request with a name that has the form of an id, so that Get looks it up."""
    return builders.batch_request(simulator, jobName=f"{builders.fresh('j').replace('-', ''):x<12}")


def optimization_request(simulator: RunningSimulator) -> dict[str, Any]:
    """Return a request with a name that has the form of an id, so that Get looks it up."""
    return builders.optimization_request(simulator, jobName=f"{builders.fresh('o').replace('-', ''):x<12}")


def throughput_request(_: RunningSimulator) -> dict[str, Any]:
    return {"provisionedModelName": builders.fresh("pt"), "modelUnits": 1, "modelId": builders.STUDENT_BASE}


def profile_request(_: RunningSimulator) -> dict[str, Any]:
    return {"inferenceProfileName": builders.fresh("profile"), "modelSource": {"copyFrom": MODEL_ARN}}


def deployment_request(simulator: RunningSimulator) -> dict[str, Any]:
    """Return a request for a deployment of the account's only custom model, after deleting older deployments."""
    client = simulator.boto("bedrock")
    for existing in client.list_custom_model_deployments()["modelDeploymentSummaries"]:
        client.delete_custom_model_deployment(customModelDeploymentIdentifier=existing["customModelDeploymentArn"])
    models = client.list_custom_models(nameContains="deployed")["modelSummaries"]
    arn = models[0]["modelArn"] if models else builders.custom_model(simulator, customModelName="deployed")
    return {"modelDeploymentName": builders.fresh("deployment"), "modelArn": arn}


KINDS = {
    "customization job": Kind(
        "CreateModelCustomizationJob",
        "GetModelCustomizationJob",
        "jobIdentifier",
        "jobArn",
        "jobName",
        builders.job_request,
        {"customModelName": "another-model"},
        ("arn", "name"),
    ),
    "batch job": Kind(
        "CreateModelInvocationJob",
        "GetModelInvocationJob",
        "jobIdentifier",
        "jobArn",
        "jobName",
        batch_request,
        {"timeoutDurationInHours": 48},
        ("arn", "id"),
    ),
    "evaluation job": Kind(
        "CreateEvaluationJob",
        "GetEvaluationJob",
        "jobIdentifier",
        "jobArn",
        "jobName",
        builders.evaluation_request,
        {"jobDescription": "another"},
        ("arn",),
        others="ValidationException",
    ),
    "prompt optimization job": Kind(
        "CreateAdvancedPromptOptimizationJob",
        "GetAdvancedPromptOptimizationJob",
        "jobIdentifier",
        "jobArn",
        "jobName",
        optimization_request,
        {"jobDescription": "another"},
        ("arn", "id"),
        token="clientToken",
    ),
    "throughput": Kind(
        "CreateProvisionedModelThroughput",
        "GetProvisionedModelThroughput",
        "provisionedModelId",
        "provisionedModelArn",
        "provisionedModelName",
        throughput_request,
        {"modelUnits": 2},
        ("arn", "name"),
    ),
    "custom model deployment": Kind(
        "CreateCustomModelDeployment",
        "GetCustomModelDeployment",
        "customModelDeploymentIdentifier",
        "customModelDeploymentArn",
        "modelDeploymentName",
        deployment_request,
        {"description": "another"},
        ("arn", "name"),
    ),
    "inference profile": Kind(
        "CreateInferenceProfile",
        "GetInferenceProfile",
        "inferenceProfileIdentifier",
        "inferenceProfileArn",
        "inferenceProfileName",
        profile_request,
        {"description": "another"},
        ("arn", "id"),
    ),
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with start_simulator(tmp_path_factory.mktemp("identifiers")) as simulator:
        yield simulator


def test_every_operation_with_a_client_token_is_tested() -> None:
    assert {name for name, model in OPERATIONS.items() if model.idempotent_members} == {
        kind.create for kind in KINDS.values()
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_resource_is_found_by_its_documented_identifiers_in_its_region(account: RunningSimulator, kind: Kind) -> None:
    request = kind.request(account)
    arn = call(account, kind.create, request)[kind.arn]
    identifiers = {"arn": arn, "id": arn.rpartition("/")[2], "name": request[kind.name]}
    for what, identifier in identifiers.items():
        if what in kind.by:
            assert call(account, kind.get, {kind.identifier: identifier})[kind.arn] == arn
        else:
            with refused(kind.others, identifier if kind.others == "ResourceNotFoundException" else kind.identifier):
                call(account, kind.get, {kind.identifier: identifier})
        with refused("ResourceNotFoundException" if what in kind.by else kind.others):
            call(account, kind.get, {kind.identifier: identifier}, region="us-west-2")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_repeated_token_returns_the_resource_and_refuses_another_request(
    account: RunningSimulator, kind: Kind
) -> None:
    request = {**kind.request(account), kind.token: builders.fresh("token")}
    arn = call(account, kind.create, request)[kind.arn]
    assert call(account, kind.create, request)[kind.arn] == arn
    declares_conflict = "ConflictException" in [shape.name for shape in OPERATIONS[kind.create].error_shapes]
    code = "ConflictException" if declares_conflict else "ValidationException"
    with refused(code, "already used for a request with other parameters", status=400):
        call(account, kind.create, {**request, **kind.other})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_token_is_valid_for_its_operation_only(account: RunningSimulator, kind: Kind) -> None:
    request = {**kind.request(account), kind.token: "shared-by-all-operations"}
    assert (
        request[kind.name]
        == call(account, kind.get, {kind.identifier: call(account, kind.create, request)[kind.arn]})[kind.name]
    )


def test_a_token_is_valid_in_its_region_only(account: RunningSimulator) -> None:
    token, arns = builders.fresh("token"), set()
    for region in ("us-east-1", "us-west-2"):
        source = {"copyFrom": MODEL_ARN.replace("us-east-1", region)}
        request = {"inferenceProfileName": "in two Regions", "modelSource": source, "clientRequestToken": token}
        arns.add(call(account, "CreateInferenceProfile", request, region=region)["inferenceProfileArn"])
    assert len(arns) == 2


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("token", ["", "-a", "a-", "a_b", "a" * 257])
def test_a_malformed_token_is_refused(account: RunningSimulator, kind: Kind, token: str) -> None:
    with refused("ValidationException", kind.token, status=400):
        call(account, kind.create, {**kind.request(account), kind.token: token})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_tags_at_creation_are_shown_and_limited_to_fifty(account: RunningSimulator, kind: Kind) -> None:
    """Source: AWS's rules for tags, as https://docs.aws.amazon.com/bedrock/latest/userguide/tagging.html says."""
    member = "jobTags" if "jobTags" in OPERATIONS[kind.create].input_shape.members else "tags"
    tags = [{"key": f"k{number:02}", "value": ""} for number in range(50)]
    arn = call(account, kind.create, {**kind.request(account), member: tags})[kind.arn]
    assert call(account, "ListTagsForResource", {"resourceARN": arn})["tags"] == tags
    with refused("TooManyTagsException"):
        call(account, "TagResource", {"resourceARN": arn, "tags": [{"key": "k50", "value": ""}]})
    call(account, "TagResource", {"resourceARN": arn, "tags": [{"key": "k00", "value": "new"}]})
    call(account, "UntagResource", {"resourceARN": arn, "tagKeys": ["k01", "never"]})
    shown = call(account, "ListTagsForResource", {"resourceARN": arn})["tags"]
    assert (len(shown), shown[0]) == (49, {"key": "k00", "value": "new"})
    for wrong in ({"key": "ü", "value": ""}, {"key": "a" * 129, "value": ""}, {"key": "a", "value": "b" * 257}):
        with refused("ValidationException", "tags"):
            call(account, "TagResource", {"resourceARN": arn, "tags": [wrong]})
