from __future__ import annotations

import time
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.protocol.specification import load_service

STATES = load_service("bedrock").shape_for("ProvisionedModelStatus")
NEVER_READY = 3600


@pytest.fixture(autouse=True)
def nothing_alive(simulator: RunningSimulator) -> None:
    client = simulator.boto("bedrock")
    for summary in client.list_provisioned_model_throughputs(maxResults=1000)["provisionedModelSummaries"]:
        client.delete_provisioned_model_throughput(provisionedModelId=summary["provisionedModelArn"])


def of_ledger(simulator: RunningSimulator, arn: str) -> dict[str, Any]:
    return next(throughput for throughput in simulator.ledger["throughputs"] if throughput["arn"] == arn)


def delete(simulator: RunningSimulator, arn: str) -> None:
    simulator.boto("bedrock").delete_provisioned_model_throughput(provisionedModelId=arn)


def test_every_state_of_a_throughput_can_be_reached(simulator: RunningSimulator) -> None:
    models = [builders.custom_model(simulator), builders.custom_model(simulator)]
    simulator.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    arn = builders.provision(simulator, models[0], wait=False)
    reached = {builders.throughput_status(simulator, arn)}
    simulator.admin("PUT", "settings", {"throughput_seconds": 0})
    reached.add(builders.throughput_status(simulator, arn))
    simulator.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    update = simulator.boto("bedrock").update_provisioned_model_throughput
    update(provisionedModelId=arn, desiredModelId=models[1])
    reached.add(builders.throughput_status(simulator, arn))
    simulator.admin("PUT", "settings", {"throughput_seconds": 0})
    simulator.fail(kind="throughput_failed", times=1)
    failed = builders.provision(simulator, models[0], wait=False)
    reached.add(builders.throughput_status(simulator, failed))
    assert reached == set(STATES.metadata["enum"])


def test_a_throughput_serves_its_custom_model_until_it_is_deleted(simulator: RunningSimulator) -> None:
    model = builders.custom_model(simulator)
    simulator.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    arn = builders.provision(simulator, model, wait=False)
    with refused("ModelNotReadyException", status=429):
        builders.converse(simulator, arn)
    simulator.admin("PUT", "settings", {"throughput_seconds": 0})
    assert builders.text_of(builders.converse(simulator, arn))
    view = simulator.boto("bedrock").get_provisioned_model_throughput(provisionedModelId=arn)
    assert (view["modelArn"], view["desiredModelArn"]) == (model, model)
    assert view["foundationModelArn"].endswith(builders.STUDENT_BASE)
    delete(simulator, arn)
    with refused("ResourceNotFoundException", "model identifier", status=404):
        builders.converse(simulator, arn)
    with refused("ResourceNotFoundException", "does not exist", status=404):
        builders.throughput_status(simulator, arn)
    with refused("ResourceNotFoundException"):
        delete(simulator, arn)


def test_a_longer_setting_does_not_undo_a_creation(simulator: RunningSimulator) -> None:
    arn = builders.provision(simulator, builders.STUDENT_BASE)
    simulator.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    assert builders.throughput_status(simulator, arn) == "InService"


def test_seconds_are_billed_from_create_to_delete_only(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    before = time.time()
    arn = builders.provision(simulator, builders.STUDENT_BASE, wait=False, modelUnits=2)
    time.sleep(0.2)
    alive = of_ledger(simulator, arn)
    assert (alive["alive"], alive["units"], alive["deleted"]) == (True, 2, None)
    assert 0.2 <= alive["seconds"] <= time.time() - before
    assert simulator.ledger["throughputs_alive"] == 1
    delete(simulator, arn)
    ended = of_ledger(simulator, arn)
    assert ended["seconds"] == pytest.approx(ended["deleted"] - ended["created"])
    assert of_ledger(simulator, arn) == ended
    assert simulator.ledger["throughputs_alive"] == 0
    ledger = simulator.ledger
    assert ledger["throughput_seconds"] == pytest.approx(sum(entry["seconds"] for entry in ledger["throughputs"]))


def test_a_failed_throughput_is_not_billed_and_gives_the_reason(simulator: RunningSimulator) -> None:
    simulator.fail(kind="throughput_failed", times=1)
    arn = builders.provision(simulator, builders.STUDENT_BASE, wait=False)
    wait_until(lambda: builders.throughput_status(simulator, arn) == "Failed")
    view = simulator.boto("bedrock").get_provisioned_model_throughput(provisionedModelId=arn)
    assert "internal error" in view["failureMessage"]
    assert of_ledger(simulator, arn)["seconds"] == 0
    with refused("ModelErrorException", status=424):
        builders.converse(simulator, arn)


def test_a_stalled_throughput_stays_in_creating_for_the_duration_of_the_rule(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"throughput_seconds": 0})
    simulator.fail(kind="throughput_stalled", times=1)
    simulator.fail(kind="throughput_stalled", times=1, seconds=2)
    stuck = builders.provision(simulator, builders.STUDENT_BASE, wait=False)
    late = builders.provision(simulator, builders.STUDENT_BASE, wait=False)
    assert builders.throughput_status(simulator, late) == "Creating"
    wait_until(lambda: builders.throughput_status(simulator, late) == "InService")
    assert builders.throughput_status(simulator, stuck) == "Creating"
    assert simulator.admin("DELETE", "stalls") == {"ended": 1}
    assert builders.throughput_status(simulator, stuck) == "InService"


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
    simulator: RunningSimulator, quota: int, held: int, asked: int, complaint: str
) -> None:
    for _ in range(held):
        builders.provision(simulator, builders.STUDENT_BASE)
    simulator.admin("PUT", "settings", {"model_units": quota})
    with refused("ServiceQuotaExceededException", complaint, status=400):
        builders.provision(simulator, builders.STUDENT_BASE, modelUnits=asked)
    assert simulator.ledger["throughputs_alive"] == held


def test_a_deleted_throughput_frees_its_units_and_its_name(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"model_units": 1})
    arn = builders.provision(simulator, builders.STUDENT_BASE, provisionedModelName="reused")
    delete(simulator, arn)
    assert builders.provision(simulator, builders.STUDENT_BASE, provisionedModelName="reused") != arn


def test_commitments_have_no_quota(simulator: RunningSimulator) -> None:
    with refused("ServiceQuotaExceededException", "any OneMonth commitment model units"):
        builders.provision(simulator, builders.STUDENT_BASE, commitmentDuration="OneMonth")


def test_the_same_token_buys_once_and_cannot_be_used_for_another_request(simulator: RunningSimulator) -> None:
    request = {"provisionedModelName": "once", "modelUnits": 1, "clientRequestToken": builders.fresh("token")}
    first = builders.provision(simulator, builders.STUDENT_BASE, **request)
    assert builders.provision(simulator, builders.STUDENT_BASE, **request) == first
    assert simulator.ledger["throughputs_alive"] == 1
    with refused("ValidationException", "already used for a request with other parameters"):
        builders.provision(simulator, builders.STUDENT_BASE, **{**request, "modelUnits": 2})


def test_the_name_of_an_existing_throughput_is_refused(simulator: RunningSimulator) -> None:
    builders.provision(simulator, builders.STUDENT_BASE, provisionedModelName="taken")
    with refused("ValidationException", "currently in use", status=400):
        builders.provision(simulator, builders.STUDENT_BASE, provisionedModelName="taken")


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
    simulator: RunningSimulator, region: str, model_id: str, complaint: str
) -> None:
    with refused("ValidationException", complaint):
        simulator.boto("bedrock", region=region).create_provisioned_model_throughput(
            provisionedModelName="refused", modelUnits=1, modelId=model_id
        )


def test_throughputs_are_listed_by_name_status_and_model(simulator: RunningSimulator) -> None:
    model = builders.custom_model(simulator)
    builders.provision(simulator, builders.STUDENT_BASE, provisionedModelName="base-a")
    builders.provision(simulator, model, provisionedModelName="tuned-a")
    builders.provision(simulator, model, provisionedModelName="tuned-b")
    client = simulator.boto("bedrock")

    def names(**filters: Any) -> list[str]:
        found = client.list_provisioned_model_throughputs(**filters)["provisionedModelSummaries"]
        return [summary["provisionedModelName"] for summary in found]

    assert names(sortOrder="Ascending") == ["base-a", "tuned-a", "tuned-b"]
    assert names(nameContains="tuned") == ["tuned-b", "tuned-a"]
    assert names(modelArnEquals=model, maxResults=1) == ["tuned-b"]
    assert names(statusEquals="Creating") == []


def test_the_old_model_is_served_until_an_update_is_complete(simulator: RunningSimulator) -> None:
    old, new = builders.custom_model(simulator), builders.custom_model(simulator)
    arn = builders.provision(simulator, old)
    client = simulator.boto("bedrock")
    simulator.admin("PUT", "settings", {"throughput_seconds": NEVER_READY})
    client.update_provisioned_model_throughput(
        provisionedModelId=arn, desiredModelId=new, desiredProvisionedModelName="updated"
    )
    view = client.get_provisioned_model_throughput(provisionedModelId="updated")
    assert (view["status"], view["modelArn"], view["desiredModelArn"]) == ("Updating", old, new)
    assert builders.text_of(builders.converse(simulator, arn))
    with refused("ValidationException", "is Updating"):
        client.update_provisioned_model_throughput(provisionedModelId=arn, desiredModelId=old)
    simulator.admin("PUT", "settings", {"throughput_seconds": 0})
    assert client.get_provisioned_model_throughput(provisionedModelId=arn)["modelArn"] == new


def test_a_failed_update_leaves_the_old_model_and_a_stalled_one_goes_on(simulator: RunningSimulator) -> None:
    old, new = builders.custom_model(simulator), builders.custom_model(simulator)
    arn, client = builders.provision(simulator, old, provisionedModelName="updates"), simulator.boto("bedrock")

    def state() -> tuple[str, str, str]:
        view = client.get_provisioned_model_throughput(provisionedModelId=arn)
        return view["status"], view["modelArn"], view["desiredModelArn"]

    simulator.admin("PUT", "settings", {"throughput_seconds": 0})
    simulator.fail(kind="throughput_update_failed", times=1)
    client.update_provisioned_model_throughput(provisionedModelId=arn, desiredModelId=new)
    assert state() == ("InService", old, new)
    simulator.fail(kind="throughput_update_stalled", times=1)
    client.update_provisioned_model_throughput(provisionedModelId=arn, desiredModelId=new)
    assert state() == ("Updating", old, new)
    for used in (old, new):
        with refused("ConflictException", "is used by the provisioned throughput"):
            client.delete_custom_model(modelIdentifier=used)
    assert simulator.admin("DELETE", "stalls?match=updates") == {"ended": 1}
    assert simulator.admin("DELETE", "stalls?match=updates") == {"ended": 0}
    assert state() == ("InService", new, new)
    client.delete_custom_model(modelIdentifier=old)


def test_a_throughput_cannot_be_updated_to_a_model_of_another_base(simulator: RunningSimulator) -> None:
    arn = builders.provision(simulator, builders.STUDENT_BASE)
    with refused("ValidationException", "not based on the model"):
        simulator.boto("bedrock").update_provisioned_model_throughput(
            provisionedModelId=arn, desiredModelId="amazon.nova-lite-v1:0:300k"
        )


def test_an_update_must_change_something(simulator: RunningSimulator) -> None:
    arn = builders.provision(simulator, builders.STUDENT_BASE)
    with refused("ValidationException", "desiredModelId"):
        simulator.boto("bedrock").update_provisioned_model_throughput(provisionedModelId=arn)
