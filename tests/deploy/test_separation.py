"""The template's policies keep environments, callers and models apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.deploy.stack_under_test import POLICIES_OF, documents, stack
from tools.aws_simulator.access.policies import AccessRequest, decide

ACCOUNT = "123456789012"
BEDROCK = f"arn:aws:bedrock:us-east-1:{ACCOUNT}"
MODEL = f"{BEDROCK}:custom-model/amazon.nova-micro-v1:0:128k/abcdefghijkl"
THROUGHPUT = f"{BEDROCK}:provisioned-model/abcdefghijkl"
TRAINING_JOB = f"{BEDROCK}:model-customization-job/amazon.nova-micro-v1:0:128k/abcdefghijkl"
PROFILE = f"{BEDROCK}:inference-profile/us.amazon.nova-micro-v1:0"
TRAINING, OUTPUT = "arn:aws:s3:::company-training", "arn:aws:s3:::company-output"
Context = Mapping[str, str | Sequence[str]]


def tags(environment: str, kind: str = "aws:ResourceTag", **more: str) -> Context:
    named = {"project": "bedrock-distill", "environment": environment, **more}
    return {f"{kind}/{key}": value for key, value in named.items()}


OWN, FOREIGN = tags("prod"), tags("staging")
STANDING = tags("prod", role="standing")
NEW = tags("prod", "aws:RequestTag")


def may(caller: str, action: str, resource: str, context: Context | None = None, **options: Any) -> bool:
    """Return whether a caller of the stack ``prod`` may do an action."""
    policies = documents(stack(**options))
    everywhere = {"aws:RequestedRegion": "us-east-1", "aws:ResourceAccount": ACCOUNT}
    request = AccessRequest(action, resource, context={**everywhere, **(context or {})})
    return decide([policies[name] for name in POLICIES_OF[caller]], request) == "allowed"


@pytest.mark.parametrize(
    ("caller", "action", "resource"),
    [
        ("run", "bedrock:StopModelCustomizationJob", TRAINING_JOB),
        ("run", "bedrock:StopModelInvocationJob", f"{BEDROCK}:model-invocation-job/abcdefghijkl"),
        ("run", "bedrock:StopEvaluationJob", f"{BEDROCK}:evaluation-job/abcdefghijkl"),
        (
            "run",
            "bedrock:StopAdvancedPromptOptimizationJob",
            f"{BEDROCK}:advanced-prompt-optimization-job/abcdefghijkl",
        ),
        ("run", "bedrock:DeleteProvisionedModelThroughput", THROUGHPUT),
        ("run", "bedrock:DeleteCustomModelDeployment", f"{BEDROCK}:custom-model-deployment/abcdefghijkl"),
        ("run", "bedrock:InvokeModel", THROUGHPUT),
        ("promotion", "bedrock:DeleteCustomModel", MODEL),
        ("promotion", "bedrock:UpdateProvisionedModelThroughput", THROUGHPUT),
        ("promotion", "bedrock:DeleteProvisionedModelThroughput", THROUGHPUT),
        ("clean_up", "bedrock:DeleteCustomModel", MODEL),
        ("clean_up", "bedrock:DeleteProvisionedModelThroughput", THROUGHPUT),
        ("clean_up", "bedrock:BatchDeleteEvaluationJob", f"{BEDROCK}:evaluation-job/abcdefghijkl"),
    ],
)
def test_a_caller_may_change_what_its_environment_bought_and_nothing_else(
    caller: str, action: str, resource: str
) -> None:
    assert may(caller, action, resource, OWN)
    assert not may(caller, action, resource, FOREIGN)
    assert not may(caller, action, resource, {})
    assert not may(caller, action, resource, {**OWN, "aws:ResourceTag/project": "another"})


@pytest.mark.parametrize(
    ("caller", "action", "resource"),
    [
        ("run", "bedrock:DeleteProvisionedModelThroughput", THROUGHPUT),
        ("run", "bedrock:UpdateProvisionedModelThroughput", THROUGHPUT),
        ("run", "bedrock:DeleteCustomModel", MODEL),
        ("run", "s3:PutObject", f"{TRAINING}/distill/champions/docs.json"),
        ("run", "s3:PutObject", f"{TRAINING}/distill/endpoints/docs/change.json"),
        ("run", "s3:DeleteObject", f"{TRAINING}/distill/responses/model/ab/abcd.json"),
        ("promotion", "bedrock:CreateModelCustomizationJob", MODEL),
        ("promotion", "bedrock:InvokeModel", PROFILE),
        ("promotion", "s3:DeleteObject", f"{TRAINING}/distill/runs/docs/run/run.json"),
        ("clean_up", "bedrock:CreateProvisionedModelThroughput", MODEL),
        ("clean_up", "bedrock:InvokeModel", PROFILE),
        ("check", "bedrock:InvokeModel", PROFILE),
        ("check", "s3:GetObject", f"{TRAINING}/distill/runs/docs/run/source/train.jsonl"),
        ("jobs", "s3:PutObject", f"{TRAINING}/distill/datasets/abc/train.jsonl"),
        ("jobs", "s3:DeleteObject", f"{OUTPUT}/distill/training/abc/metrics.csv"),
    ],
)
def test_a_caller_may_not_do_what_is_the_part_of_another(caller: str, action: str, resource: str) -> None:
    assert not may(caller, action, resource, {**STANDING, **NEW})


def test_only_promotion_and_clean_up_may_delete_a_standing_endpoint() -> None:
    deleting = [
        one for one in POLICIES_OF if may(one, "bedrock:DeleteProvisionedModelThroughput", THROUGHPUT, STANDING)
    ]
    assert deleting == ["promotion", "clean_up"]


@pytest.mark.parametrize(
    ("delete", "endpoint"),
    [
        ("bedrock:DeleteProvisionedModelThroughput", THROUGHPUT),
        ("bedrock:DeleteCustomModelDeployment", f"{BEDROCK}:custom-model-deployment/abcdefghijkl"),
    ],
)
@pytest.mark.parametrize("caller", POLICIES_OF)
def test_only_who_may_delete_a_standing_endpoint_may_change_its_tag_role(
    caller: str, delete: str, endpoint: str
) -> None:
    if may(caller, delete, endpoint, STANDING):
        return
    for role in ({"role": "run"}, {"role": ""}, {"role": "standing"}, {}):
        for keys in (["role"], ["environment", "project", "role"], ["expires-at", "role"]):
            change = {**STANDING, **tags("prod", "aws:RequestTag", **role), "aws:TagKeys": keys}
            assert not may(caller, "bedrock:TagResource", endpoint, change), (role, keys)
    assert not may(caller, "bedrock:UntagResource", endpoint, {**STANDING, "aws:TagKeys": ["role"]})


def test_a_run_may_not_buy_or_make_a_standing_endpoint() -> None:
    standing = tags("prod", "aws:RequestTag", role="standing")
    assert not may("run", "bedrock:TagResource", THROUGHPUT, standing)
    assert not may("run", "bedrock:TagResource", THROUGHPUT, {**OWN, **standing})
    assert may("promotion", "bedrock:TagResource", THROUGHPUT, standing)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        (
            "bedrock:CreateModelCustomizationJob",
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0:128k",
        ),
        ("bedrock:CreateModelCustomizationJob", f"{BEDROCK}:custom-model/*"),
        ("bedrock:CreateModelCustomizationJob", f"{BEDROCK}:model-customization-job/*"),
        ("bedrock:CreateProvisionedModelThroughput", f"{BEDROCK}:provisioned-model/*"),
        ("bedrock:CreateCustomModelDeployment", f"{BEDROCK}:custom-model-deployment/*"),
        ("bedrock:CreateModelInvocationJob", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0"),
        ("bedrock:CreateModelInvocationJob", PROFILE),
        ("bedrock:CreateEvaluationJob", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0"),
        ("bedrock:CreateAdvancedPromptOptimizationJob", f"{BEDROCK}:advanced-prompt-optimization-job/*"),
        ("bedrock:TagResource", TRAINING_JOB),
    ],
)
def test_a_run_may_buy_only_with_the_tags_of_its_environment(action: str, resource: str) -> None:
    assert may("run", action, resource, NEW)
    assert not may("run", action, resource, {})
    assert not may("run", action, resource, tags("staging", "aws:RequestTag"))


def test_a_run_may_not_take_over_a_resource_of_another_environment() -> None:
    assert may("run", "bedrock:TagResource", THROUGHPUT, {**NEW, **OWN})
    assert not may("run", "bedrock:TagResource", THROUGHPUT, {**NEW, **FOREIGN})


def test_a_run_may_postpone_the_expiry_of_its_endpoints() -> None:
    assert may("run", "bedrock:TagResource", THROUGHPUT, {**OWN, "aws:TagKeys": ["expires-at"]})
    assert not may("run", "bedrock:TagResource", THROUGHPUT, {**OWN, "aws:TagKeys": ["expires-at", "environment"]})
    assert not may("run", "bedrock:TagResource", THROUGHPUT, {**FOREIGN, "aws:TagKeys": ["expires-at"]})


@pytest.mark.parametrize("caller", ["run", "promotion"])
def test_only_models_of_the_environment_may_be_served(caller: str) -> None:
    for action in ("bedrock:CreateProvisionedModelThroughput", "bedrock:CreateCustomModelDeployment"):
        assert may(caller, action, MODEL, {**NEW, **OWN})
        assert not may(caller, action, MODEL, {**NEW, **FOREIGN})


@pytest.mark.parametrize("caller", ["run", "jobs"])
def test_a_model_behind_a_profile_may_be_called_only_through_a_listed_profile(caller: str) -> None:
    model = "arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-opus-9"
    other = f"{BEDROCK}:inference-profile/us.anthropic.claude-opus-9"
    assert may(caller, "bedrock:InvokeModel", PROFILE)
    assert may(caller, "bedrock:InvokeModel", model, {"bedrock:InferenceProfileArn": PROFILE})
    assert not may(caller, "bedrock:InvokeModel", other)
    assert not may(caller, "bedrock:InvokeModel", model, {"bedrock:InferenceProfileArn": other})
    assert not may(caller, "bedrock:InvokeModel", model)
    assert may(caller, "bedrock:InvokeModel", other, InferenceProfiles="us.amazon.x,us.anthropic.claude-opus-9")


def test_a_model_that_is_not_listed_may_not_be_called_directly_or_counted() -> None:
    listed = "arn:aws:bedrock:us-east-1::foundation-model/mistral.mistral-large-3-675b-instruct"
    for action in ("bedrock:InvokeModel", "bedrock:CountTokens"):
        assert may("run", action, listed)
        assert not may("run", action, listed, {"aws:RequestedRegion": "eu-west-1"})
        assert not may("run", action, f"{listed}-x")


@pytest.mark.parametrize("caller", ["run", "promotion", "clean_up"])
def test_objects_of_another_prefix_or_account_are_closed(caller: str) -> None:
    assert may(caller, "s3:GetObject", f"{TRAINING}/distill/runs/docs/run/run.json")
    assert not may(caller, "s3:GetObject", f"{TRAINING}/other/runs/docs/run/run.json")
    other_account = {"aws:ResourceAccount": "210987654321"}
    assert not may(caller, "s3:GetObject", f"{TRAINING}/distill/runs/docs/run/run.json", other_account)
    assert may(caller, "s3:GetObject", f"{TRAINING}/distill/x", other_account, BucketOwner="210987654321")


@pytest.mark.parametrize("caller", ["run", "promotion", "clean_up"])
def test_keys_of_another_prefix_may_not_be_listed(caller: str) -> None:
    assert may(caller, "s3:ListBucket", TRAINING, {"s3:prefix": "distill/runs/"})
    assert not may(caller, "s3:ListBucket", TRAINING, {"s3:prefix": "other/runs/"})
    assert not may(caller, "s3:ListBucket", TRAINING, {"s3:prefix": "distillation/"})
    assert may(caller, "s3:ListBucket", TRAINING)  # HeadBucket, and 404 in place of 403


def test_the_role_of_jobs_may_be_passed_only_to_bedrock() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/bedrock-distill-prod-jobs"
    assert may("run", "iam:PassRole", role, {"iam:PassedToService": "bedrock.amazonaws.com"})
    assert not may("run", "iam:PassRole", role, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert not may("run", "iam:PassRole", f"{role}-2", {"iam:PassedToService": "bedrock.amazonaws.com"})
