"""The pipeline's hook and the AWS simulator agree on custom model deployments, from creation to deletion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.deployments import Deployment
from include.distill.core.errors import ConflictError
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.tools.aws_simulator import builders

NAME = "local-aws-docs-qa-tuned-0123456789abcdef-s1"
TAGS = {"project": "bedrock-distill", "run-key": "0123456789abcdef"}


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with connected_simulator(tmp_path / "state", monkeypatch, deployment_seconds=3600) as simulator:
        yield simulator


def test_the_hook_follows_a_deployment_through_all_its_states(simulator: RunningSimulator) -> None:
    hook, models = BedrockDistillHook(), [builders.custom_model(simulator) for _ in range(2)]

    def found() -> Deployment:
        deployment = hook.find_deployment(NAME)
        assert deployment is not None
        return deployment

    assert hook.find_deployment(NAME) is None
    for _ in range(2):  # a repeated request has the same token
        hook.create_deployment(name=NAME, token="t" * 32, model_arn=models[0], tags=TAGS)
    created = found()
    assert (created.name, created.status, created.model_arn) == (NAME, "Creating", models[0])
    assert hook.tags(created.arn) == TAGS
    assert hook.list_deployments() == [created]
    assert hook.find_deployment(created.arn) == created
    simulator.admin("PUT", "settings", {"deployment_seconds": 0})
    active = replace(created, status="Active")
    assert found() == active
    simulator.admin("PUT", "settings", {"deployment_seconds": 3600})
    hook.update_deployment(NAME, models[1])
    assert found() == replace(active, update_status="Updating", update_model_arn=models[1])
    simulator.admin("PUT", "settings", {"deployment_seconds": 0})
    updated = replace(active, model_arn=models[1], update_status="UpdateCompleted", update_model_arn=models[1])
    assert found() == updated
    simulator.fail(kind="deployment_update_failed", times=1)
    hook.update_deployment(created.arn, models[0])
    assert found() == replace(updated, update_status="UpdateFailed", update_model_arn=models[0])
    assert not hook.delete_custom_model(models[1])
    assert hook.delete_custom_model(models[0])
    simulator.fail(kind="deployment_deletion_stalled", times=1)
    hook.delete_deployment(NAME)
    with pytest.raises(ConflictError):
        hook.delete_deployment(NAME)
    simulator.admin("DELETE", "stalls")
    assert hook.find_deployment(NAME) is None
    hook.delete_deployment(NAME)
    [entry] = simulator.ledger["deployments"]
    assert (entry["name"], entry["alive"], entry["calls"]) == (NAME, False, 0)
