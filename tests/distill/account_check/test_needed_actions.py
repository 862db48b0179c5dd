"""Check that the list of needed actions names every call of the hooks, and only what a use case needs."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.account_check.needed_actions import job_types, needed_actions, serving_kinds
from include.distill.account_check.needs import Who
from include.distill.config.use_case import UseCase
from tests.deploy.plugin_calls import actions_of, called_methods, named_methods
from tests.distill.conftest import make_use_case

BASE = {"name": "base", "kind": "base"}
EVERYTHING: dict[str, Any] = {
    "arms": [
        BASE,
        {"name": "prompted", "kind": "base", "prompt": "optimized"},
        {"name": "tuned"},
        {"name": "managed", "kind": "distilled", "teacher": "nova-pro"},
        {"name": "best", "kind": "champion"},
    ],
    "comparisons": [{"candidate": name, "baseline": "base"} for name in ("prompted", "tuned", "managed", "best")],
    "synthesis": {"inference": "batch"},
    "evaluations": {
        "pointwise": {"evaluators": ["nova-pro"]},
        "human": {"flow_definition_arn": "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/workers"},
    },
    "promotion": {"serve": "provisioned", "delete_losers": True, "ask_a_person": True},
}


OF_THE_CHECK = set(named_methods("account.py"))
# Only runs that create buckets and clean-ups that delete them need these.
OF_BUCKETS = {
    *("s3:CreateBucket", "s3:PutBucketTagging", "s3:GetBucketTagging", "s3:GetBucketVersioning", "s3:DeleteBucket"),
}


def actions(use_case: UseCase, who: Who) -> set[str]:
    return {need.action for need in needed_actions(use_case) if need.who == who}


def resources(use_case: UseCase, who: Who, action: str) -> set[str]:
    return {need.resource for need in needed_actions(use_case) if (need.who, need.action) == (who, action)}


@pytest.mark.parametrize(("service", "method"), sorted(called_methods()))
def test_every_call_of_the_hooks_is_in_the_list(service: str, method: str) -> None:
    """The check itself and the creation of buckets have their own permissions."""
    if (service, method) in OF_THE_CHECK:
        return
    everywhere = make_use_case(**EVERYTHING)
    on_demand = make_use_case(**{**EVERYTHING, "promotion": {"serve": "on_demand"}})
    needed = {need.action for use_case in (everywhere, on_demand) for need in needed_actions(use_case)}
    assert [action for action in actions_of(service, method) if action not in needed | OF_BUCKETS] == []


def test_the_sample_needs_no_jobs_but_training_and_may_pass_the_role_to_bedrock() -> None:
    use_case = make_use_case()
    assert job_types(use_case) == {"customization": "model-customization-job"}
    run = actions(use_case, "run")
    assert {"bedrock:CreateModelCustomizationJob", "iam:PassRole", "bedrock:CreateCustomModelDeployment"} <= run
    assert not {action for action in run if "Evaluation" in action or "InvocationJob" in action or "Prompt" in action}


def test_a_use_case_without_training_needs_neither_a_role_nor_endpoints() -> None:
    arms = [BASE, {"name": "again", "kind": "base"}]
    use_case = make_use_case(arms=arms, comparisons=[{"candidate": "again", "baseline": "base"}])
    assert (job_types(use_case), serving_kinds(use_case), actions(use_case, "jobs")) == ({}, {}, set())
    assert not {"iam:PassRole", "bedrock:CreateCustomModelDeployment"} & actions(use_case, "run")


@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        ("auto", {"on_demand": True, "provisioned": False}),
        ("on_demand", {"on_demand": True}),
        ("provisioned", {"provisioned": True}),
    ],
)
def test_the_endpoints_depend_on_the_mode(mode: str, kinds: dict[str, bool]) -> None:
    use_case = make_use_case(serving={"mode": mode})
    assert serving_kinds(use_case) == kinds
    created = {
        need.action: need.is_required
        for need in needed_actions(use_case)
        if need.who == "run" and need.action.startswith("bedrock:Create") and "Job" not in need.action
    }
    names = {"on_demand": "CustomModelDeployment", "provisioned": "ProvisionedModelThroughput"}
    assert created == {f"bedrock:Create{names[kind]}": is_required for kind, is_required in kinds.items()}


def test_the_role_of_jobs_asks_the_teacher_of_a_distilled_arm() -> None:
    use_case = make_use_case(arms=[BASE, {"name": "managed", "kind": "distilled", "teacher": "nova-pro"}])
    asked = resources(use_case, "jobs", "bedrock:InvokeModel")
    assert asked == {
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0",
        "arn:aws:bedrock:*::foundation-model/amazon.nova-pro-v1:0",
    }


def test_only_promotions_write_champions_and_only_clean_ups_delete_everything() -> None:
    use_case = make_use_case(**EVERYTHING)
    champions = "arn:aws:s3:::training/distill/champions/*"
    assert champions in resources(use_case, "promotion", "s3:PutObject")
    assert champions not in resources(use_case, "run", "s3:PutObject")
    assert resources(use_case, "run", "s3:DeleteObject") == {"arn:aws:s3:::training/distill/batches/open/*"}
    assert resources(use_case, "promotion", "s3:DeleteObject") == set()
    assert "arn:aws:s3:::output/distill/*" in resources(use_case, "clean_up", "s3:DeleteObject")


def test_runs_with_notifications_keep_and_remove_them_but_do_not_fail_without_it() -> None:
    notify = [{"on": "all", "slack": {"conn_id": "slack"}}]
    unsent = "arn:aws:s3:::training/distill/notifications/*"
    found = {
        (need.who, need.action, need.is_required)
        for need in needed_actions(make_use_case(notify=notify))
        if need.resource == unsent
    }
    assert found == {("run", "s3:PutObject", False), ("run", "s3:DeleteObject", False)}
    assert not any(need.resource == unsent for need in needed_actions(make_use_case()))


@pytest.mark.parametrize(
    ("source", "objects", "listed"),
    [
        ("s3://data/rows.csv", {"arn:aws:s3:::data/rows.csv"}, set()),
        ("s3://data/csv/", {"arn:aws:s3:::data/csv/*"}, {"arn:aws:s3:::data"}),
        ("train.csv", set(), set()),
    ],
)
def test_input_files_in_s3_are_read(source: str, objects: set[str], listed: set[str]) -> None:
    use_case = make_use_case(source={"training_csv": source})
    read = {one for one in resources(use_case, "run", "s3:GetObject") if "/distill/" not in one}
    assert read == objects
    assert {one for one in resources(use_case, "run", "s3:ListBucket") if one.endswith("data")} == listed


def test_exact_token_counts_are_not_required() -> None:
    counting = [need for need in needed_actions(make_use_case()) if need.action == "bedrock:CountTokens"]
    assert counting
    assert not any(need.is_required for need in counting)
