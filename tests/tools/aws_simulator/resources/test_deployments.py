"""
Custom model deployments serve custom models on demand.

Sources: the shapes of the five operations in botocore's service model, and
https://docs.aws.amazon.com/bedrock/latest/userguide/deploy-custom-model-on-demand.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import deploy, deployment_state, refused
from tools.aws_simulator.protocol.specification import load_service

NEVER_READY = 3600
STATES = load_service("bedrock").shape_for("CustomModelDeploymentStatus").metadata["enum"]
UPDATE_STATES = load_service("bedrock").shape_for("CustomModelDeploymentUpdateStatus").metadata["enum"]


@pytest.fixture(autouse=True)
def nothing_deployed(simulator: RunningSimulator) -> Iterator[None]:
    yield
    client = simulator.boto("bedrock")
    for summary in client.list_custom_model_deployments(maxResults=1000)["modelDeploymentSummaries"]:
        client.delete_custom_model_deployment(customModelDeploymentIdentifier=summary["customModelDeploymentArn"])


@pytest.fixture(scope="module")
def model(_running: RunningSimulator) -> str:
    return builders.custom_model(_running)


@pytest.fixture(scope="module")
def other(_running: RunningSimulator) -> str:
    return builders.custom_model(_running)


def seconds(simulator: RunningSimulator, value: float) -> None:
    simulator.admin("PUT", "settings", {"deployment_seconds": value})


def update(simulator: RunningSimulator, identifier: str, model: str) -> Any:
    return simulator.boto("bedrock").update_custom_model_deployment(
        customModelDeploymentIdentifier=identifier, modelArn=model
    )


def update_status(simulator: RunningSimulator, arn: str) -> str | None:
    details = deployment_state(simulator, arn).get("updateDetails")
    return details and details["updateStatus"]


def test_every_state_of_a_deployment_and_of_its_update_can_be_reached(
    simulator: RunningSimulator, model: str, other: str
) -> None:
    seconds(simulator, NEVER_READY)
    arn = deploy(simulator, model, wait=False)
    reached = {deployment_state(simulator, arn)["status"]}
    seconds(simulator, 0)
    reached.add(deployment_state(simulator, arn)["status"])
    simulator.fail(kind="deployment_failed", times=1)
    reached.add(deployment_state(simulator, deploy(simulator, model, wait=False))["status"])
    assert reached == set(STATES)
    seconds(simulator, NEVER_READY)
    update(simulator, arn, other)
    updates = {update_status(simulator, arn)}
    seconds(simulator, 0)
    updates.add(update_status(simulator, arn))
    simulator.fail(kind="deployment_update_failed", times=1)
    update(simulator, arn, model)
    updates.add(update_status(simulator, arn))
    assert updates == set(UPDATE_STATES)


def test_a_deployment_serves_its_model_until_it_is_deleted(simulator: RunningSimulator, model: str) -> None:
    seconds(simulator, NEVER_READY)
    arn = deploy(simulator, model, wait=False, modelDeploymentName="by-name")
    with refused("ModelNotReadyException", "not ready", status=429):
        builders.converse(simulator, arn)
    seconds(simulator, 0)
    assert builders.text_of(builders.converse(simulator, arn))
    client = simulator.boto("bedrock")
    client.delete_custom_model_deployment(customModelDeploymentIdentifier="by-name")
    for identifier in (arn, "by-name"):
        with refused("ResourceNotFoundException", identifier, status=404):
            deployment_state(simulator, identifier)
        with refused("ResourceNotFoundException", status=404):
            client.delete_custom_model_deployment(customModelDeploymentIdentifier=identifier)
        with refused("ResourceNotFoundException", status=404):
            update(simulator, identifier, model)
    with refused("ResourceNotFoundException", "model identifier", status=404):
        builders.converse(simulator, arn)
    assert deploy(simulator, model, modelDeploymentName="by-name") != arn


def test_get_and_list_spell_the_name_differently(simulator: RunningSimulator, model: str) -> None:
    arn = deploy(simulator, model, modelDeploymentName="spelled", description="A standing endpoint.")
    view = deployment_state(simulator, "spelled")
    assert (view["modelDeploymentName"], view["description"]) == ("spelled", "A standing endpoint.")
    assert (view["customModelDeploymentArn"], view["modelArn"]) == (arn, model)
    assert not {"updateDetails", "failureMessage"} & set(view)
    [summary] = simulator.boto("bedrock").list_custom_model_deployments()["modelDeploymentSummaries"]
    assert summary["customModelDeploymentName"] == "spelled"
    assert not {"modelDeploymentName", "description", "tags"} & set(summary)


def test_the_old_model_answers_until_an_update_is_complete(simulator: RunningSimulator, model: str, other: str) -> None:
    arn = deploy(simulator, model)
    seconds(simulator, NEVER_READY)
    assert update(simulator, arn, other)["customModelDeploymentArn"] == arn
    view = deployment_state(simulator, arn)
    assert (view["status"], view["modelArn"]) == ("Active", model)
    assert view["updateDetails"] == {"modelArn": other, "updateStatus": "Updating"}
    assert builders.text_of(builders.converse(simulator, arn))
    with refused("ValidationException", "is being updated", status=400):
        update(simulator, arn, model)
    seconds(simulator, 0)
    view = deployment_state(simulator, arn)
    assert (view["modelArn"], view["updateDetails"]["updateStatus"]) == (other, "UpdateCompleted")
    assert view["lastUpdatedAt"] > view["createdAt"]
    update(simulator, arn, model)
    assert deployment_state(simulator, arn)["modelArn"] == model


def test_a_failed_update_leaves_the_old_model(simulator: RunningSimulator, model: str, other: str) -> None:
    arn = deploy(simulator, model)
    simulator.fail(kind="deployment_update_failed", times=1)
    update(simulator, arn, other)
    wait_until(lambda: update_status(simulator, arn) == "UpdateFailed")
    view = deployment_state(simulator, arn)
    assert (view["status"], view["modelArn"], view["updateDetails"]["modelArn"]) == ("Active", model, other)
    assert builders.text_of(builders.converse(simulator, arn))
    update(simulator, arn, other)
    wait_until(lambda: deployment_state(simulator, arn)["modelArn"] == other)


def test_only_an_active_deployment_can_be_updated(simulator: RunningSimulator, model: str) -> None:
    seconds(simulator, NEVER_READY)
    with refused("ValidationException", "is Creating"):
        update(simulator, deploy(simulator, model, wait=False), model)
    seconds(simulator, 0)
    simulator.fail(kind="deployment_failed", times=1)
    with refused("ValidationException", "is Failed"):
        update(simulator, deploy(simulator, model, wait=False), model)


def test_an_update_to_another_base_model_or_to_no_model_is_refused(simulator: RunningSimulator, model: str) -> None:
    arn = deploy(simulator, model)
    lite = builders.custom_model(simulator, baseModelIdentifier="amazon.nova-lite-v1:0:300k")
    with refused("ValidationException", "is based on amazon.nova-lite-v1:0:300k"):
        update(simulator, arn, lite)
    with refused("ResourceNotFoundException", "custom model"):
        update(simulator, arn, f"{model[:-12]}abcdefghijkl")


def test_a_failed_deployment_gives_the_reason_and_serves_nothing(simulator: RunningSimulator, model: str) -> None:
    seconds(simulator, 0)
    simulator.fail(kind="deployment_failed", times=1)
    arn = deploy(simulator, model, wait=False)
    assert "internal error" in deployment_state(simulator, arn)["failureMessage"]
    [summary] = simulator.boto("bedrock").list_custom_model_deployments(statusEquals="Failed")[
        "modelDeploymentSummaries"
    ]
    assert "internal error" in summary["failureMessage"]
    with refused("ModelErrorException", status=424):
        builders.converse(simulator, arn)


def test_stalls_end_after_the_time_of_the_rule_or_when_they_are_ended(
    simulator: RunningSimulator, model: str, other: str
) -> None:
    seconds(simulator, 0)
    simulator.fail(kind="deployment_stalled", times=1)
    arn = deploy(simulator, model, wait=False, modelDeploymentName="stuck")
    assert deployment_state(simulator, arn)["status"] == "Creating"
    assert simulator.admin("DELETE", "stalls?match=another") == {"ended": 0}
    assert simulator.admin("DELETE", "stalls?match=stuck") == {"ended": 1}
    assert deployment_state(simulator, arn)["status"] == "Active"
    simulator.fail(kind="deployment_update_stalled", times=1)
    update(simulator, arn, other)
    assert update_status(simulator, arn) == "Updating"
    assert simulator.admin("DELETE", "stalls") == {"ended": 1}
    assert update_status(simulator, arn) == "UpdateCompleted"
    simulator.fail(kind="deployment_update_stalled", times=1, seconds=0.2)
    update(simulator, arn, model)
    assert update_status(simulator, arn) == "Updating"
    wait_until(lambda: update_status(simulator, arn) == "UpdateCompleted")


def test_a_deletion_that_takes_time_ends_when_get_finds_nothing(simulator: RunningSimulator, model: str) -> None:
    arn, client = deploy(simulator, model, modelDeploymentName="leaving"), simulator.boto("bedrock")
    simulator.fail(kind="deployment_deletion_stalled", times=1)
    client.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
    assert deployment_state(simulator, arn)["status"] == "Active"
    with refused("ConflictException", "is being deleted", status=400):
        client.delete_custom_model_deployment(customModelDeploymentIdentifier="leaving")
    with refused("ConflictException", "used by the custom model deployment"):
        client.delete_custom_model(modelIdentifier=model)
    with refused("ValidationException", "currently in use"):
        deploy(simulator, model, modelDeploymentName="leaving")
    with refused("ValidationException", "is being deleted"):
        update(simulator, arn, model)
    with refused("ResourceNotFoundException", status=404):
        builders.converse(simulator, arn)
    assert simulator.admin("DELETE", "stalls?match=leaving") == {"ended": 1}
    with refused("ResourceNotFoundException", status=404):
        deployment_state(simulator, arn)
    simulator.fail(kind="deployment_deletion_stalled", times=1, seconds=0.1)
    arn = deploy(simulator, model, modelDeploymentName="leaving")
    client.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
    wait_until(lambda: not client.list_custom_model_deployments()["modelDeploymentSummaries"])
    entry = next(entry for entry in simulator.ledger["deployments"] if entry["arn"] == arn)
    assert entry["alive"] is False


def test_a_longer_setting_does_not_undo_a_creation(simulator: RunningSimulator, model: str) -> None:
    arn = deploy(simulator, model)
    seconds(simulator, NEVER_READY)
    assert deployment_state(simulator, arn)["status"] == "Active"


def test_the_quotas_of_all_deployments_and_of_those_in_progress(simulator: RunningSimulator, model: str) -> None:
    seconds(simulator, NEVER_READY)
    for _ in range(2):
        deploy(simulator, model, wait=False)
    with refused("ServiceQuotaExceededException", "2 custom model deployments in progress", status=400):
        deploy(simulator, model, wait=False)
    seconds(simulator, 0)
    for _ in range(8):
        deploy(simulator, model, wait=False)
    with refused("ServiceQuotaExceededException", "Its quota is 10", status=400):
        deploy(simulator, model, wait=False)
    simulator.admin("PUT", "settings", {"deployments": 11})
    deploy(simulator, model, wait=False)


def test_a_name_is_unique_and_a_token_deploys_once(simulator: RunningSimulator, model: str, other: str) -> None:
    request = {"modelDeploymentName": "once", "clientRequestToken": builders.fresh("token")}
    arn = deploy(simulator, model, **request)
    assert deploy(simulator, model, **request) == arn
    with refused("ValidationException", "already used for a request with other parameters"):
        deploy(simulator, other, **request)
    with refused("ValidationException", "currently in use", status=400):
        deploy(simulator, model, modelDeploymentName="once")
    assert len(simulator.boto("bedrock").list_custom_model_deployments()["modelDeploymentSummaries"]) == 1


def test_only_models_of_the_catalogs_base_models_can_be_deployed(simulator: RunningSimulator, model: str) -> None:
    with refused("ResourceNotFoundException", "does not exist", status=404):
        deploy(simulator, f"{model[:-12]}abcdefghijkl")
    for text in ("my-model-name", "amazon.nova-micro-v1:0:128k"):
        with refused("ValidationException", "modelArn", status=400):
            simulator.boto("bedrock", parameter_validation=False).create_custom_model_deployment(
                modelDeploymentName="by-name", modelArn=text
            )
    llama = builders.llama_model(simulator, "meta.llama3-1-8b-instruct-v1:0:128k")
    with refused("ValidationException", "not supported in us-west-2 for custom models of the base model"):
        simulator.boto("bedrock", region="us-west-2").create_custom_model_deployment(
            modelDeploymentName="llama", modelArn=llama
        )


def test_a_model_cannot_be_deleted_while_it_is_deployed_or_about_to_be(
    simulator: RunningSimulator, model: str, other: str
) -> None:
    arn, client = deploy(simulator, model), simulator.boto("bedrock")
    seconds(simulator, NEVER_READY)
    update(simulator, arn, other)
    for used in (model, other):
        with refused("ConflictException", "used by the custom model deployment", status=400):
            client.delete_custom_model(modelIdentifier=used)
    spare = builders.custom_model(simulator)
    seconds(simulator, 0)
    update(simulator, arn, spare)
    update(simulator, arn, model)
    client.delete_custom_model(modelIdentifier=spare)


def test_tokens_are_billed_by_deployment_and_nothing_else_is(simulator: RunningSimulator, model: str) -> None:
    arns = [deploy(simulator, model, modelDeploymentName=name) for name in ("billed-a", "billed-b")]
    usage = [builders.converse(simulator, arn)["usage"] for arn in (arns[0], arns[0], arns[1])]
    ledger = simulator.ledger
    entries = {entry["arn"]: entry for entry in ledger["deployments"]}
    first, second = (entries[arn] for arn in arns)
    assert (first["name"], first["calls"], second["name"], second["calls"]) == ("billed-a", 2, "billed-b", 1)
    assert first["input_tokens"] == usage[0]["inputTokens"] + usage[1]["inputTokens"]
    assert second["output_tokens"] == usage[2]["outputTokens"]
    assert ledger["by_model"][arns[0]]["output_tokens"] == first["output_tokens"]
    assert (first["base_model"], first["alive"]) == (builders.STUDENT_BASE, True)
    assert ledger["throughput_seconds"] == sum(entry["seconds"] for entry in ledger["throughputs"])
    before = time.time()
    simulator.boto("bedrock").delete_custom_model_deployment(customModelDeploymentIdentifier=arns[0])
    gone = next(entry for entry in simulator.ledger["deployments"] if entry["arn"] == arns[0])
    assert (gone["alive"], gone["calls"]) == (False, 2)
    assert gone["deleted"] >= before


def test_deployments_are_listed_by_name_status_and_model(simulator: RunningSimulator, model: str, other: str) -> None:
    deploy(simulator, model, modelDeploymentName="list-a")
    deploy(simulator, model, modelDeploymentName="list-b")
    seconds(simulator, NEVER_READY)
    deploy(simulator, other, wait=False, modelDeploymentName="list-c")

    def names(**filters: Any) -> list[str]:
        found = simulator.boto("bedrock").list_custom_model_deployments(**filters)["modelDeploymentSummaries"]
        return [summary["customModelDeploymentName"] for summary in found]

    assert names(modelArnEquals=model, sortOrder="Ascending") == ["list-a", "list-b"]
    assert names(statusEquals="Creating") == ["list-c"]
    assert names(nameContains="list", statusEquals="Active", maxResults=1) == ["list-b"]
