from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.account_check.findings import Finding, Result
from include.distill.account_check.reader import RoleFacts
from include.distill.account_check.role_trust import trust_findings
from tests.distill.conftest import make_use_case
from tests.fakes.fake_account import CONDITION, JOBS_ROLE, FakeAccount, trust

USE_CASE = make_use_case(
    evaluations={"pointwise": {"evaluators": ["claude-haiku-4-5"]}},
    judging={"inference": "batch"},
)


def findings(policy: dict[str, Any]) -> list[Finding]:
    account = FakeAccount()
    account.roles["r"] = RoleFacts(JOBS_ROLE, policy)
    return list(trust_findings(account, USE_CASE))


def lacking(policy: dict[str, Any]) -> list[str]:
    return [one.check.rpartition(" for ")[2] for one in findings(policy) if one.result is Result.MISSING]


def test_a_role_that_bedrock_may_assume_for_each_kind_of_job_is_ok() -> None:
    found = findings(trust())
    assert [one.result for one in found] == [Result.OK] * 3


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"Service": "sagemaker.amazonaws.com"}},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Action": "sts:TagSession"},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:bedrock:eu-west-1:123456789012:*"}}},
        {"Effect": "Deny"},
    ],
)
def test_a_role_that_bedrock_may_not_assume_is_missing_for_every_kind_of_job(statement: dict[str, Any]) -> None:
    assert lacking(trust(**statement)) == ["customization jobs", "batch jobs", "evaluation jobs"]


def test_a_trust_that_lacks_one_kind_of_job_names_it_and_has_the_whole_statement() -> None:
    arns = [arn for arn in CONDITION["ArnEquals"]["aws:SourceArn"] if "evaluation" not in arn]
    policy = trust(Condition={**CONDITION, "ArnEquals": {"aws:SourceArn": arns}})
    assert lacking(policy) == ["evaluation jobs"]
    (line,) = [one.line for one in findings(policy) if one.result is Result.MISSING]
    assert findings({"Statement": json.loads(line)})[0].result is Result.OK
    assert lacking({"Statement": json.loads(line)}) == []


def test_a_deny_for_one_kind_of_job_wins() -> None:
    allow = trust()["Statement"][0]
    deny = {
        **allow,
        "Effect": "Deny",
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:bedrock:*:*:model-invocation-job/*"}},
    }
    assert lacking({"Statement": [allow, deny]}) == ["batch jobs"]


def test_a_trust_without_a_condition_is_a_warning_because_of_other_accounts() -> None:
    found = findings(trust(Condition={}))
    assert [one.result for one in found].count(Result.WARNING) == 1


def test_a_role_that_does_not_exist_is_missing() -> None:
    account = FakeAccount()
    del account.roles["r"]
    found, trust_row = trust_findings(account, USE_CASE)
    assert (trust_row.check, trust_row.result) == (f"trust of {JOBS_ROLE}", Result.NOT_CHECKED)
    assert (found.result, found.check) == (Result.MISSING, f"role {JOBS_ROLE}")


def test_a_role_with_another_path_has_the_right_arn_as_the_line_to_add() -> None:
    account = FakeAccount()
    account.roles["r"] = RoleFacts("arn:aws:iam::123456789012:role/teams/r", trust())
    found, trust_row = trust_findings(account, USE_CASE)
    assert (trust_row.check, trust_row.result) == (f"trust of {JOBS_ROLE}", Result.NOT_CHECKED)
    assert found.line == "DISTILL_ROLE_ARN=arn:aws:iam::123456789012:role/teams/r"


def test_a_role_that_the_check_may_not_read_is_not_permitted_to_check() -> None:
    account = FakeAccount()
    account.refused.add("role")
    found, trust_row = trust_findings(account, USE_CASE)
    assert (trust_row.check, trust_row.result) == (f"trust of {JOBS_ROLE}", Result.NOT_CHECKED)
    assert (found.result, "iam:GetRole" in found.line) == (Result.NOT_PERMITTED, True)


def test_a_use_case_without_jobs_needs_no_role() -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "again", "kind": "base"}]
    pair = [{"candidate": "again", "baseline": "base"}]
    assert list(trust_findings(FakeAccount(), make_use_case(arms=arms, comparisons=pair))) == []


def test_a_role_that_does_not_exist_is_that_of_the_stack_or_the_stack_is_missing() -> None:
    account = FakeAccount()
    account.roles.clear()
    finding, trust_row = trust_findings(account, USE_CASE)
    assert (trust_row.check, trust_row.result) == (f"trust of {JOBS_ROLE}", Result.NOT_CHECKED)
    role = f"arn:aws:iam::123456789012:role/bedrock-distill-{USE_CASE.environment}-jobs"
    assert (finding.result, finding.line) == (Result.MISSING, f"DISTILL_ROLE_ARN={role}")
    finding, _ = trust_findings(account, make_use_case(aws={"role_arn": role}))
    assert finding.line.startswith("aws cloudformation deploy --region us-east-1 ")
    for parameter in ("Environment", "Prefix", "TrainingBucketName", "OutputBucketName"):
        assert f" {parameter}=" in finding.line
