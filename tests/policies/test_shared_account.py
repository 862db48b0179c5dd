"""
Two environments and two teams work in one account at the same time, each under the policies of its own stack.

``prod`` and ``staging`` share buckets and a use case. ``support`` belongs to another team.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from include.distill.core.errors import RefusedError
from tests.fakes.aws_simulator import RunningSimulator
from tests.policies.installation import Bought, Installation, shared_account

# The use case and the first part of the buckets' names.
USE_CASES = {"prod": ("aws_docs_qa", "shared"), "staging": ("aws_docs_qa", "shared"), "support": ("tickets", "support")}


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[RunningSimulator]:
    with shared_account(tmp_path / "state", *USE_CASES) as simulator:
        yield simulator


@pytest.fixture
def installed(aws: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Installation]:
    """The three installations, each with the preflight of a run."""
    made = {}
    for name, (use_case, bucket) in USE_CASES.items():
        made[name] = Installation(aws, monkeypatch, tmp_path / name, name=name, use_case=use_case, bucket=bucket)
        made[name].preflight()
    return made


def state(aws: RunningSimulator) -> dict[str, Any]:
    """Return all models and endpoints of the account that exist, and the states of the jobs."""
    ledger, models = aws.ledger, aws.boto("bedrock").list_custom_models()["modelSummaries"]
    endpoints = [*ledger["throughputs"], *ledger["deployments"]]
    return {
        "models": {model["modelArn"] for model in models},
        "endpoints": {one["arn"] for one in endpoints if one["alive"]},
        "running": {job["arn"] for job in ledger["jobs"] if job["status"] == "InProgress"},
    }


@pytest.mark.parametrize("name", ["staging", "support"])
def test_a_clean_up_deletes_everything_of_its_environment_and_nothing_of_the_others(
    name: str, installed: dict[str, Installation], aws: RunningSimulator
) -> None:
    bought = {one: installation.buy() for one, installation in installed.items()}
    others = [one for one in USE_CASES if one != name]
    objects = {one: installed[one].objects() for one in others}
    assert (
        installed[name].clean_up()["deleted"].items() >= {"throughput": 1, "deployment": 1, "custom model": 1}.items()
    )
    assert installed[name].sweep()["released"] == []
    assert state(aws) == {
        "models": {bought[one].model for one in others},
        "endpoints": {arn for one in others for arn in (bought[one].deployment, bought[one].throughput)},
        "running": {one.job for one in bought.values()},
    }
    assert {one: installed[one].objects() for one in others} == objects
    kept = {uri.removeprefix(f"{installed[name].root}/").split("/")[0] for uri in installed[name].objects()}
    assert "datasets" not in kept
    assert "responses" not in kept


# What somebody in one environment could do to another one by mistake, with a form or a command that names its things.
DELETIONS: dict[str, Callable[[Installation, Bought, Installation], object]] = {
    "bedrock:DeleteCustomModel": lambda one, bought, _: one.hook("clean-up").delete_custom_model(bought.model),
    "bedrock:DeleteCustomModelDeployment": lambda one, bought, _: one.hook("run").delete_deployment(bought.deployment),
    "bedrock:DeleteProvisionedModelThroughput": lambda one, bought, _: one.hook("clean-up").delete_throughput(
        bought.throughput
    ),
    "bedrock:UpdateCustomModelDeployment": lambda one, bought, _: one.hook("promotion").update_deployment(
        bought.deployment, bought.model
    ),
    "bedrock:StopModelCustomizationJob": lambda one, bought, _: one.hook("run").stop_job(bought.job),
    "bedrock:TagResource": lambda one, bought, _: one.hook("run").tag(bought.model, {"environment": one.name}),
    "s3:PutObject": lambda one, _, other: one.store("run").write(f"{other.root}/environment.json", b"{}"),
    "s3:DeleteObject": lambda one, _, other: one.store("clean-up").delete(f"{other.root}/environment.json"),
    "s3:GetObject": lambda one, _, other: one.store("run").read(f"{other.root}/environment.json"),
    "s3:ListBucket": lambda one, _, other: one.store("run").list(f"{other.root}/runs/"),
    "iam:PassRole": lambda one, _, other: _train_with_role_of(one, other),
}


def _train_with_role_of(one: Installation, other: Installation) -> None:
    aws = one.use_case.aws.model_copy(update={"role_arn": other.use_case.aws.role_arn})
    one.use_case = one.use_case.model_copy(update={"aws": aws})
    one.train("third", "ef")


def test_the_policies_alone_keep_one_environment_from_the_things_of_another(
    installed: dict[str, Installation], aws: RunningSimulator
) -> None:
    prod, staging = installed["prod"], installed["staging"]
    bought, before = prod.buy(), state(aws)
    for action, delete in DELETIONS.items():
        with pytest.raises(RefusedError) as refused:
            delete(staging, bought, prod)
        assert f"not authorized to perform: {action}" in str(refused.value), action
    assert state(aws) == before


def test_an_environment_may_do_to_its_own_things_what_others_may_not(
    installed: dict[str, Installation], aws: RunningSimulator
) -> None:
    prod = installed["prod"]
    bought = prod.buy()
    prod.hook("run").stop_job(bought.job)
    prod.hook("promotion").update_deployment(bought.deployment, bought.model)
    prod.hook("clean-up").delete_throughput(bought.throughput)
    assert bought.throughput not in state(aws)["endpoints"]
