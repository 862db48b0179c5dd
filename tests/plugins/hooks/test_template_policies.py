from __future__ import annotations

import pytest

from bedrock_distill.hooks.template_policies import policy_with


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
    name, _, others = policy_with(action).partition(";")
    assert name.partition(",")[0] == f"bedrock-distill-<environment>-{policy}"
    assert ("promote" in others) == policy.startswith("run")


def test_an_action_of_another_service_has_none() -> None:
    assert policy_with("kms:Decrypt") == ""
    assert policy_with("") == ""
