"""Test the calls for deployments with the real hook, whose requests are recorded before they reach a socket."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from bedrock_distill.hooks.deployments import Deployment
from include.distill.core.errors import ConflictError, InvalidRequestError
from tests.contract.recorded_wire import ARN, NOW, RecordedWire, not_found

DEPLOYMENT_ARN = f"{ARN}:custom-model-deployment/abcdef012345"
MODEL_ARN = f"{ARN}:custom-model/amazon.nova-micro-v1:0:128k/abcdef012345"
OTHER_MODEL = f"{ARN}:custom-model/amazon.nova-micro-v1:0:128k/012345abcdef"
NAME = "test-aws-docs-qa-tuned-0123456789abcdef-s1"
DESCRIBED = {
    "customModelDeploymentArn": DEPLOYMENT_ARN,
    "modelDeploymentName": NAME,
    "modelArn": MODEL_ARN,
    "createdAt": NOW,
    "status": "Creating",
}
CREATING = Deployment(NAME, DEPLOYMENT_ARN, "Creating", NOW, MODEL_ARN)


def refused(code: str) -> Any:
    def refuse(_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "m"}}, "DeleteCustomModelDeployment")

    return refuse


@pytest.mark.parametrize("name_or_arn", [NAME, DEPLOYMENT_ARN])
def test_a_deployment_is_found_by_its_name_or_its_arn(name_or_arn: str) -> None:
    wire = RecordedWire({"GetCustomModelDeployment": DESCRIBED})
    assert wire.hook().find_deployment(name_or_arn) == CREATING
    (request,) = wire.requests
    assert request.arguments == {"customModelDeploymentIdentifier": name_or_arn}
    assert request.violations() == []


def test_a_deployment_that_does_not_exist_is_none() -> None:
    assert (
        RecordedWire({"GetCustomModelDeployment": not_found("GetCustomModelDeployment")}).hook().find_deployment(NAME)
        is None
    )


def test_the_reason_of_a_failure_and_the_last_update_are_read() -> None:
    update = {"modelArn": OTHER_MODEL, "updateStatus": "UpdateFailed"}
    answer = {**DESCRIBED, "status": "Failed", "failureMessage": "no capacity", "updateDetails": update}
    found = RecordedWire({"GetCustomModelDeployment": answer}).hook().find_deployment(NAME)
    assert found == Deployment(
        NAME, DEPLOYMENT_ARN, "Failed", NOW, MODEL_ARN, "no capacity", "UpdateFailed", OTHER_MODEL
    )


def test_deployments_are_listed_page_after_page_although_a_list_spells_the_name_in_another_way() -> None:
    summary = {key: value for key, value in DESCRIBED.items() if key != "modelDeploymentName"}

    def page(arguments: Any) -> dict[str, Any]:
        name = "b" if "nextToken" in arguments else "a"
        more = {} if "nextToken" in arguments else {"nextToken": "t"}
        return {"modelDeploymentSummaries": [{**summary, "customModelDeploymentName": name}], **more}

    assert [one.name for one in RecordedWire({"ListCustomModelDeployments": page}).hook().list_deployments()] == [
        "a",
        "b",
    ]


def test_a_deployment_is_created_with_its_token_and_tags() -> None:
    wire = RecordedWire({"CreateCustomModelDeployment": {"customModelDeploymentArn": DEPLOYMENT_ARN}})
    wire.hook().create_deployment(name=NAME, token="0123456789abcdef", model_arn=MODEL_ARN, tags={"run-key": "r"})
    (request,) = wire.requests
    assert request.arguments == {
        "modelDeploymentName": NAME,
        "clientRequestToken": "0123456789abcdef",
        "modelArn": MODEL_ARN,
        "tags": [{"key": "run-key", "value": "r"}],
    }
    assert request.violations() == []


def test_another_model_is_put_behind_a_deployment() -> None:
    wire = RecordedWire({"UpdateCustomModelDeployment": {"customModelDeploymentArn": DEPLOYMENT_ARN}})
    wire.hook().update_deployment(DEPLOYMENT_ARN, OTHER_MODEL)
    (request,) = wire.requests
    assert request.arguments == {"customModelDeploymentIdentifier": DEPLOYMENT_ARN, "modelArn": OTHER_MODEL}
    assert request.violations() == []


@pytest.mark.parametrize("answer", [{}, not_found("DeleteCustomModelDeployment")])
def test_a_deployment_is_deleted_and_one_that_is_gone_is_no_error(answer: Any) -> None:
    wire = RecordedWire({"DeleteCustomModelDeployment": answer})
    wire.hook().delete_deployment(DEPLOYMENT_ARN)
    (request,) = wire.requests
    assert request.arguments == {"customModelDeploymentIdentifier": DEPLOYMENT_ARN}


@pytest.mark.parametrize(
    ("code", "error"), [("ConflictException", ConflictError), ("ValidationException", InvalidRequestError)]
)
def test_a_refused_deletion_is_an_error(code: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        RecordedWire({"DeleteCustomModelDeployment": refused(code)}).hook().delete_deployment(NAME)


def test_where_bedrock_has_no_deployments_there_are_none() -> None:
    unknown = refused("UnknownOperationException")
    wire = RecordedWire({"GetCustomModelDeployment": unknown, "ListCustomModelDeployments": unknown})
    assert wire.hook().find_deployment(NAME) is None
    assert wire.hook().list_deployments() == []
    other = refused("ValidationException")
    wire = RecordedWire({"GetCustomModelDeployment": other, "ListCustomModelDeployments": other})
    with pytest.raises(InvalidRequestError):
        wire.hook().find_deployment(NAME)
    with pytest.raises(InvalidRequestError):
        wire.hook().list_deployments()
