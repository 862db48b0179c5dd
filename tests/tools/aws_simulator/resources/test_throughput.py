from __future__ import annotations

import time
from typing import Any

import pytest

from tests.fakes.stand_in import RunningStandIn, wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.protocol.specification import load_service

STATES = load_service("bedrock").shape_for("ProvisionedModelStatus")
NEVER_READY = 3600


@pytest.fixture(autouse=True)
def nothing_alive(stand_in: RunningStandIn) -> None:
    client = stand_in.boto("bedrock")
    for summary in client.list_provisioned_model_throughputs(maxResults=1000)["provisionedModelSummaries"]:
        client.delete_provisioned_model_throughput(provisionedModelId=summary["provisionedModelArn"])


def of_ledger(stand_in: RunningStandIn, arn: str) -> dict[str, Any]:
    return next(throughput for throughput in stand_in.ledger["throughputs"] if throughput["arn"] == arn)


def delete(stand_in: RunningStandIn, arn: str) -> None:
    stand_in.boto("bedrock").delete_provisioned_model_throughput(provisionedModelId=arn)


def test_every_state_of_a_throughput_can_be_reached(stand_in: RunningStandIn) -> None:
    models = [builders.custom_model(stand_in), builders.custom_model(stand_in)]
    stand_in.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    arn = builders.provision(stand_in, models[0], wait=False)
    reached = {builders.throughput_status(stand_in, arn)}
    stand_in.admin("PUT", "settings", {"throughput_seconds": 0})
    reached.add(builders.throughput_status(stand_in, arn))
    stand_in.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    update = stand_in.boto("bedrock").update_provisioned_model_throughput
    update(provisionedModelId=arn, desiredModelId=models[1])
    reached.add(builders.throughput_status(stand_in, arn))
    stand_in.admin("PUT", "settings", {"throughput_seconds": 0})
    stand_in.fail(kind="throughput_failed", times=1)
    failed = builders.provision(stand_in, models[0], wait=False)
    reached.add(builders.throughput_status(stand_in, failed))
    assert reached == set(STATES.metadata["enum"])


def test_a_throughput_serves_its_custom_model_until_it_is_deleted(stand_in: RunningStandIn) -> None:
    model = builders.custom_model(stand_in)
    stand_in.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    arn = builders.provision(stand_in, model, wait=False)
    with refused("ModelNotReadyException", status=429):
        builders.converse(stand_in, arn)
    stand_in.admin("PUT", "settings", {"throughput_seconds": 0})
    assert builders.text_of(builders.converse(stand_in, arn))
    view = stand_in.boto("bedrock").get_provisioned_model_throughput(provisionedModelId=arn)
    assert (view["modelArn"], view["desiredModelArn"]) == (model, model)
    assert view["foundationModelArn"].endswith(builders.STUDENT_BASE)
    delete(stand_in, arn)
    with refused("ResourceNotFoundException", "model identifier", status=404):
        builders.converse(stand_in, arn)
    with refused("ResourceNotFoundException", "does not exist", status=404):
        builders.throughput_status(stand_in, arn)
    with refused("ResourceNotFoundException"):
        delete(stand_in, arn)


def test_a_longer_setting_does_not_undo_a_creation(stand_in: RunningStandIn) -> None:
    arn = builders.provision(stand_in, builders.STUDENT_BASE)
    stand_in.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    assert builders.throughput_status(stand_in, arn) == "InService"


def test_seconds_are_billed_from_create_to_delete_and_not_beyond(stand_in: RunningStandIn) -> None:
    stand_in.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    before = time.time()
    arn = builders.provision(stand_in, builders.STUDENT_BASE, wait=False, modelUnits=2)
    time.sleep(0.2)
    alive = of_ledger(stand_in, arn)
    assert (alive["alive"], alive["units"], alive["deleted"]) == (True, 2, None)
    assert 0.2 <= alive["seconds"] <= time.time() - before
    assert stand_in.ledger["throughputs_alive"] == 1
    delete(stand_in, arn)
    ended = of_ledger(stand_in, arn)
    assert ended["seconds"] == pytest.approx(ended["deleted"] - ended["created"])
    assert of_ledger(stand_in, arn) == ended
    assert stand_in.ledger["throughputs_alive"] == 0
    ledger = stand_in.ledger
    assert ledger["throughput_seconds"] == pytest.approx(sum(entry["seconds"] for entry in ledger["throughputs"]))


def test_a_failed_throughput_is_not_billed_and_tells_why(stand_in: RunningStandIn) -> None:
    stand_in.fail(kind="throughput_failed", times=1)
    arn = builders.provision(stand_in, builders.STUDENT_BASE, wait=False)
    wait_until(lambda: builders.throughput_status(stand_in, arn) == "Failed")
    view = stand_in.boto("bedrock").get_provisioned_model_throughput(provisionedModelId=arn)
    assert "internal error" in view["failureMessage"]
    assert of_ledger(stand_in, arn)["seconds"] == 0
    with refused("ModelErrorException", status=424):
        builders.converse(stand_in, arn)


def test_a_stalled_throughput_stays_creating_for_as_long_as_its_rule_says(stand_in: RunningStandIn) -> None:
    stand_in.admin("PUT", "settings", {"throughput_seconds": 0})
    stand_in.fail(kind="throughput_stalled", times=1)
    stand_in.fail(kind="throughput_stalled", times=1, seconds=0.6)
    stuck = builders.provision(stand_in, builders.STUDENT_BASE, wait=False)
    late = builders.provision(stand_in, builders.STUDENT_BASE, wait=False)
    assert builders.throughput_status(stand_in, late) == "Creating"
    wait_until(lambda: builders.throughput_status(stand_in, late) == "InService")
    assert builders.throughput_status(stand_in, stuck) == "Creating"
    assert stand_in.admin("DELETE", "stalls") == {"ended": 2}
    assert builders.throughput_status(stand_in, stuck) == "InService"


@pytest.mark.parametrize(
    ("quota", "held", "asked", "complaint"),
    [
        pytest.param(
            0, 0, 1, f"does not currently have any no commitment model units reserved for {builders.STUDENT_BASE}.",
            id="no quota",
        ),
        pytest.param(2, 1, 2, "of which 1 are in use; 2 more were requested", id="quota used up"),
    ],
)  # fmt: skip
def test_model_units_beyond_the_quota_are_refused(
    stand_in: RunningStandIn, quota: int, held: int, asked: int, complaint: str
) -> None:
    for _ in range(held):
        builders.provision(stand_in, builders.STUDENT_BASE)
    stand_in.admin("PUT", "settings", {"model_units": quota})
    with refused("ServiceQuotaExceededException", complaint, status=400):
        builders.provision(stand_in, builders.STUDENT_BASE, modelUnits=asked)
    assert stand_in.ledger["throughputs_alive"] == held


def test_a_deleted_throughput_gives_its_units_and_its_name_back(stand_in: RunningStandIn) -> None:
    stand_in.admin("PUT", "settings", {"model_units": 1})
    arn = builders.provision(stand_in, builders.STUDENT_BASE, provisionedModelName="reused")
    delete(stand_in, arn)
    assert builders.provision(stand_in, builders.STUDENT_BASE, provisionedModelName="reused") != arn


def test_commitments_have_no_quota(stand_in: RunningStandIn) -> None:
    with refused("ServiceQuotaExceededException", "any OneMonth commitment model units"):
        builders.provision(stand_in, builders.STUDENT_BASE, commitmentDuration="OneMonth")


def test_the_same_token_buys_once_and_another_request_under_it_is_refused(stand_in: RunningStandIn) -> None:
    request = {"provisionedModelName": "once", "modelUnits": 1, "clientRequestToken": builders.fresh("token")}
    first = builders.provision(stand_in, builders.STUDENT_BASE, **request)
    assert builders.provision(stand_in, builders.STUDENT_BASE, **request) == first
    assert stand_in.ledger["throughputs_alive"] == 1
    with refused("ValidationException", "already used for a request with other parameters"):
        builders.provision(stand_in, builders.STUDENT_BASE, **{**request, "modelUnits": 2})


def test_a_name_in_use_is_refused(stand_in: RunningStandIn) -> None:
    builders.provision(stand_in, builders.STUDENT_BASE, provisionedModelName="taken")
    with refused("ValidationException", "currently in use", status=400):
        builders.provision(stand_in, builders.STUDENT_BASE, provisionedModelName="taken")


@pytest.mark.parametrize(
    ("region", "model_id", "complaint"),
    [
        pytest.param("us-east-1", "no-such-model", "identifier is invalid", id="unknown"),
        pytest.param("us-east-1", "amazon.nova-micro-v1:0", "identifier is invalid", id="without context suffix"),
        pytest.param(
            "us-west-2", "meta.llama3-3-70b-instruct-v1:0:128k", "is not supported for the model", id="deployments only"
        ),
        pytest.param(
            "us-west-2", "anthropic.claude-3-haiku-20240307-v1:0:200k", "is not supported for the model", id="retired"
        ),
    ],
)
def test_a_model_that_cannot_be_provisioned_is_refused(
    stand_in: RunningStandIn, region: str, model_id: str, complaint: str
) -> None:
    with refused("ValidationException", complaint):
        stand_in.boto("bedrock", region=region).create_provisioned_model_throughput(
            provisionedModelName="refused", modelUnits=1, modelId=model_id
        )


def test_a_custom_model_cannot_be_deleted_while_a_throughput_serves_it(stand_in: RunningStandIn) -> None:
    model = builders.custom_model(stand_in)
    arn = builders.provision(stand_in, model)
    client = stand_in.boto("bedrock")
    with refused("ConflictException", "is used by the provisioned throughput", status=400):
        client.delete_custom_model(modelIdentifier=model)
    delete(stand_in, arn)
    client.delete_custom_model(modelIdentifier=model)
    with refused("ResourceNotFoundException"):
        client.get_custom_model(modelIdentifier=model)


def test_throughputs_are_listed_by_name_status_and_model(stand_in: RunningStandIn) -> None:
    model = builders.custom_model(stand_in)
    builders.provision(stand_in, builders.STUDENT_BASE, provisionedModelName="base-a")
    builders.provision(stand_in, model, provisionedModelName="tuned-a")
    builders.provision(stand_in, model, provisionedModelName="tuned-b")
    client = stand_in.boto("bedrock")

    def names(**filters: Any) -> list[str]:
        found = client.list_provisioned_model_throughputs(**filters)["provisionedModelSummaries"]
        return [summary["provisionedModelName"] for summary in found]

    assert names(sortOrder="Ascending") == ["base-a", "tuned-a", "tuned-b"]
    assert names(nameContains="tuned") == ["tuned-b", "tuned-a"]
    assert names(modelArnEquals=model, maxResults=1) == ["tuned-b"]
    assert names(statusEquals="Creating") == []


def test_an_update_serves_the_old_model_until_it_is_done(stand_in: RunningStandIn) -> None:
    old, new = builders.custom_model(stand_in), builders.custom_model(stand_in)
    arn = builders.provision(stand_in, old)
    client = stand_in.boto("bedrock")
    stand_in.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    client.update_provisioned_model_throughput(
        provisionedModelId=arn, desiredModelId=new, desiredProvisionedModelName="updated"
    )
    view = client.get_provisioned_model_throughput(provisionedModelId="updated")
    assert (view["status"], view["modelArn"], view["desiredModelArn"]) == ("Updating", old, new)
    assert builders.text_of(builders.converse(stand_in, arn))
    with refused("ValidationException", "is Updating"):
        client.update_provisioned_model_throughput(provisionedModelId=arn, desiredModelId=old)
    stand_in.admin("PUT", "settings", {"throughput_seconds": 0})
    assert client.get_provisioned_model_throughput(provisionedModelId=arn)["modelArn"] == new


def test_a_throughput_cannot_be_updated_to_a_model_of_another_base(stand_in: RunningStandIn) -> None:
    arn = builders.provision(stand_in, builders.STUDENT_BASE)
    with refused("ValidationException", "not based on the model"):
        stand_in.boto("bedrock").update_provisioned_model_throughput(
            provisionedModelId=arn, desiredModelId="amazon.nova-lite-v1:0:300k"
        )
