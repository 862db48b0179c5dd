"""Custom models are created only by completed jobs, and cannot be deleted while a throughput serves them."""

from __future__ import annotations

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused


def test_the_custom_model_does_not_exist_before_its_job_completes(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"job_seconds": 600})
    request = builders.job_request(simulator)
    arn = simulator.boto("bedrock").create_model_customization_job(**request)["jobArn"]
    assert "outputModelArn" not in builders.job_state(simulator, arn)
    with refused("ResourceNotFoundException", request["customModelName"], status=404):
        simulator.boto("bedrock").get_custom_model(modelIdentifier=request["customModelName"])
    simulator.admin("PUT", "settings", {"job_seconds": 0})
    builders.finished_job(simulator, arn)
    assert simulator.boto("bedrock").get_custom_model(modelIdentifier=request["customModelName"])


def test_no_other_account_shares_models_with_this_one(simulator: RunningSimulator) -> None:
    """``isOwned`` of ListCustomModels: True lists the account's own models, False those shared with it."""
    model = builders.custom_model(simulator)
    client = simulator.boto("bedrock")
    assert model in [summary["modelArn"] for summary in client.list_custom_models(isOwned=True)["modelSummaries"]]
    assert client.list_custom_models(isOwned=False)["modelSummaries"] == []


def test_a_custom_model_cannot_be_deleted_while_a_throughput_serves_it(simulator: RunningSimulator) -> None:
    model = builders.custom_model(simulator)
    arn = builders.provision(simulator, model)
    client = simulator.boto("bedrock")
    with refused("ConflictException", "is used by the provisioned throughput", status=400):
        client.delete_custom_model(modelIdentifier=model)
    client.delete_provisioned_model_throughput(provisionedModelId=arn)
    client.delete_custom_model(modelIdentifier=model)
    with refused("ResourceNotFoundException"):
        client.get_custom_model(modelIdentifier=model)
