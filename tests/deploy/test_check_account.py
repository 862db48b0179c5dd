"""
Check a simulated account that has the stack of the template, and nothing else.

The check asks IAM's policy simulator of the AWS simulator, with an identity that has only CheckPolicy.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.run.account_connections import CHECK_CONNECTION_VARIABLE, AccountConnections
from include.distill.account_check.check import check_accounts
from include.distill.account_check.findings import Finding, Result
from include.distill.config.loader import load_use_cases
from include.distill.inference.pools import required_pools
from tests.deploy.stack_under_test import actions, stack, texts, write_deployment
from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.testing import RunningSimulator, start_simulator
from tools.local_airflow.account import read_access

CALLERS = {f"distill-{name}": f"distill-{name}" for name in ("run", "promotion", "clean-up", "check")}
CONNECTIONS = {"DEFAULT": "run", "PROMOTION": "promotion", "CLEAN_UP": "clean-up", "CHECK": "check"}
VARIABLES = {
    "DISTILL_ENVIRONMENT": "test",
    "DISTILL_TRAINING_BUCKET": "company-training",
    "DISTILL_OUTPUT_BUCKET": "company-output",
    "DISTILL_ROLE_ARN": f"arn:aws:iam::{ACCOUNT_ID}:role/bedrock-distill-test-jobs",
    "DISTILL_PROMOTION_CONN_ID": "aws_promotion",
    "DISTILL_CLEAN_UP_CONN_ID": "aws_clean_up",
    CHECK_CONNECTION_VARIABLE: "aws_check",
}
USE_CASES = ("compare_methods", "promote_demo")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    folder = tmp_path_factory.mktemp("stack")
    with start_simulator(folder / "state", policies=[deployment(folder)], callers=CALLERS) as simulator:
        yield simulator


def deployment(folder: Path) -> Path:
    """Write the stack deployment file of an installation with four roles."""
    parameters = {
        "Environment": "test",
        "TrainingBucketName": "company-training",
        "OutputBucketName": "company-output",
        "HumanWorkers": "true",
        "RunRoles": "distill-run",
        "PromotionRoles": "distill-promotion",
        "CleanUpRoles": "distill-clean-up",
        "CheckRoles": "distill-check",
    }
    return write_deployment(folder / "deployment.json", parameters)


@pytest.fixture(autouse=True)
def installation(aws: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    for name, key in CONNECTIONS.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_AWS_{name}", f"aws://distill-{key}:any@?region_name=us-east-1")


def findings(name: str) -> list[Finding]:
    use_cases = load_use_cases()
    assert use_cases.problems == ()
    pools = {pool: settings["slots"] for pool, settings in required_pools(use_cases.valid).items()}
    return check_accounts(use_cases, AccountConnections(), pools=pools, today=datetime.date(2026, 10, 10), chosen=name)


@pytest.mark.parametrize("name", USE_CASES)
def test_with_the_stack_nothing_is_missing_and_the_check_may_read_everything(name: str) -> None:
    found = findings(name)
    assert [one for one in found if one.result in (Result.MISSING, Result.NOT_PERMITTED)] == []
    ok = {one.check for one in found if one.result is Result.OK}
    assert {
        "permissions of the role of jobs",
        "permissions of runs (connection aws_default)",
        "permissions of promotions (connection aws_promotion)",
        "permissions of clean-ups (connection aws_clean_up)",
        "bucket company-training: encryption",
        "bucket company-training: public access",
        "bucket company-training: TLS only",
    } <= ok


def test_the_check_only_reads_and_uses_every_action_of_its_policy(aws: RunningSimulator) -> None:
    for name in USE_CASES:
        findings(name)
    used = {
        (entry["action"], entry["allowed"])
        for entry in read_access(aws.url)
        if "/distill-" in entry["caller"] and entry["action"] != "sts:GetCallerIdentity"
    }
    policy = actions(stack(), "CheckPolicy")
    # The simulator needs neither of these: it states the Region of a bucket, and AWS allows the second one to everyone.
    assert used == {(action, True) for action in policy - {"s3:GetBucketLocation", "sts:GetCallerIdentity"}}
    assert {action.partition(":")[2][:3] for action in policy} <= {"Get", "Lis", "Sim", "Des"}


def without(document: dict[str, Any], action: str) -> dict[str, Any]:
    """Return a policy without one action. A policy needs a statement, so another action may take its place."""
    statements = [
        {**statement, "Action": [one for one in texts(statement["Action"]) if one != action]}
        for statement in document["Statement"]
    ]
    kept = [statement for statement in statements if statement["Action"]]
    other = {"Effect": "Allow", "Action": "bedrock:ListGuardrails", "Resource": "*"}
    return {**document, "Statement": kept or [other]}


@pytest.mark.parametrize(
    ("policy", "action", "who"),
    [
        ("run", "bedrock:CreateModelCustomizationJob", "runs (connection aws_default)"),
        ("run-models", "bedrock:InvokeModel", "runs (connection aws_default)"),
        ("run-storage", "s3:PutObject", "runs (connection aws_default)"),
        ("iam-pass-role", "iam:PassRole", "runs (connection aws_default)"),
        ("promote", "bedrock:UpdateCustomModelDeployment", "promotions (connection aws_promotion)"),
        ("clean-up", "bedrock:DeleteCustomModel", "clean-ups (connection aws_clean_up)"),
    ],
)
def test_an_action_that_someone_removes_is_missing_for_the_right_identity(
    aws: RunningSimulator, policy: str, action: str, who: str
) -> None:
    iam = aws.boto("iam")
    arn = f"arn:aws:iam::{ACCOUNT_ID}:policy/bedrock-distill-test-{policy}"
    original = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=original)["PolicyVersion"]["Document"]
    changed = json.dumps(without(document, action))
    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=changed, SetAsDefault=True)
    try:
        missing = [one for one in findings("promote_demo") if one.result is Result.MISSING]
    finally:
        iam.set_default_policy_version(PolicyArn=arn, VersionId=original)
        iam.delete_policy_version(PolicyArn=arn, VersionId=version["PolicyVersion"]["VersionId"])
    assert {one.check for one in missing} == {f"permissions of {who}"}
    assert any(action in one.detail for one in missing)
