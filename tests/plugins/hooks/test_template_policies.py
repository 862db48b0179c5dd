from __future__ import annotations

import re

import pytest

from bedrock_distill.hooks.aws_error_table import load_error_table
from bedrock_distill.hooks.template_policies import policy_with
from tests.deploy.stack_under_test import documents, largest_stack, texts


@pytest.mark.parametrize(
    ("action", "policy"),
    [
        ("iam:PassRole", "iam-pass-role"),
        ("iam:GetRole", "check"),
        ("servicequotas:GetServiceQuota", "check"),
        ("s3:GetEncryptionConfiguration", "check"),
        ("bedrock:ListCustomModels", "clean-up"),
        ("s3:DeleteBucket", "clean-up"),
        ("bedrock:UpdateProvisionedModelThroughput", "promote"),
        ("bedrock:CountTokens", "run-models"),
        ("bedrock:StopModelInvocationJob", "run"),
        ("s3:GetObject", "run-storage"),
    ],
)
def test_each_action_has_its_policy(action: str, policy: str) -> None:
    name = policy_with(action).partition(";")[0]
    assert name.partition(",")[0] == f"bedrock-distill-<environment>-{policy}"


def test_an_action_of_another_service_has_none() -> None:
    assert policy_with("kms:Decrypt") == ""
    assert policy_with("") == ""


def test_an_action_of_several_callers_names_the_policy_of_each() -> None:
    name = "bedrock-distill-<environment>"
    assert policy_with("bedrock:CreateModelCustomizationJob") == f"{name}-run"
    assert policy_with("bedrock:DeleteProvisionedModelThroughput") == (
        f"{name}-run; promotions have it in {name}-promote; distill_clean_up has it in {name}-clean-up"
    )


def policies_of_the_template() -> dict[str, set[str]]:
    """Return the ends of the names of the managed policies that have each action."""
    found: dict[str, set[str]] = {}
    stack = largest_stack()
    for name, document in documents(stack).items():
        if stack.resources[name].type != "AWS::IAM::ManagedPolicy":
            continue
        policy = stack.resources[name].name.removeprefix("bedrock-distill-production-12345-us-west-2-")
        for action in (action for statement in document["Statement"] for action in texts(statement["Action"])):
            found.setdefault(action, set()).add(policy)
    return found


OWN_SERVICES = ("bedrock:", "iam:", "s3:", "servicequotas:")


def test_an_error_names_all_policies_that_have_the_action_in_the_template_and_no_others() -> None:
    by_action = {name: found for name, found in policies_of_the_template().items() if name.startswith(OWN_SERVICES)}
    assert len(by_action) > 50
    for action, policies in by_action.items():
        named = re.findall(r"bedrock-distill-<environment>-([a-z-]*[a-z])", policy_with(action))
        assert len(named) == len(set(named)), action
        assert set(named) == policies, action


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("AccessDenied", "User: x is not authorized to perform: s3:PutObject on resource: y", id="action"),
        pytest.param("403", "Forbidden", id="head request"),
    ],
)
def test_the_advice_names_the_policy_of_this_installation(
    monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    meaning = load_error_table().for_code(code, message)
    assert meaning
    monkeypatch.setenv("DISTILL_ENVIRONMENT", "prod")
    assert "bedrock-distill-prod-run-storage" in meaning.advice_for("the connection c", message)
    monkeypatch.delenv("DISTILL_ENVIRONMENT")
    assert "bedrock-distill-<environment>-run-storage" in meaning.advice_for("the connection c", message)
