"""Search the findings of accounts in which everything is wrong for placeholders that a reader would have to fill."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from include.distill.account_check.findings import Finding, Result
from include.distill.account_check.reader import Decision, Identity, QuotaFact, RoleFacts
from include.distill.config.root_owner import claim_root
from include.distill.core.errors import ExpiredCredentialsError, RefusedError
from tests.distill.account_check.test_check import found_in
from tests.distill.conftest import make_use_case
from tests.fakes.fake_account import ACCOUNT, JOBS_ROLE, RUN_ROLE, FakeAccount, FakeConnector, trust

# Only a person knows the role that a connection should assume, and the owner of a record that cannot be read.
ONLY_A_PERSON_KNOWS = {"<role>", "<name of the owner>"}
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef"
QUESTIONS = (
    *("foundation_model", "model_availability", "profile_status", "list_deployments", "role", "simulate", "quotas"),
    *("quota", "key_state", "ensure_bucket", "encryption", "public_access_block", "policy", "lifecycle_rules"),
)
REFUSAL = (
    "create_job: AccessDeniedException. The action is in the policy bedrock-distill-<environment>-run; promotions have"
    " it in bedrock-distill-<environment>-promote."
)


def nothing_may_be_asked(account: FakeAccount, _: FakeConnector) -> None:
    account.refused |= set(QUESTIONS)


def nothing_is_answered(account: FakeAccount, _: FakeConnector) -> None:
    account.broken |= set(QUESTIONS)


def nothing_exists(account: FakeAccount, _: FakeConnector) -> None:
    account.roles.clear()
    account.absent_buckets |= {"training", "output"}
    account.absent_profiles |= {"us.anthropic.claude-haiku-4-5-20251001-v1:0", "us.anthropic.claude-sonnet-4-6"}


def nothing_is_allowed(account: FakeAccount, _: FakeConnector) -> None:
    class Everything(set[tuple[str, str]]):
        def __contains__(self, one: object) -> bool:
            return True

    account.not_allowed = Everything()


def some_is_denied(account: FakeAccount, _: FakeConnector) -> None:
    account.not_allowed = {(RUN_ROLE, "iam:PassRole"), (JOBS_ROLE, "s3:GetObject")}
    account.decision = Decision(is_allowed=False, is_denied=True)


def the_settings_are_bad(account: FakeAccount, _: FakeConnector) -> None:
    account.roles["r"] = RoleFacts(JOBS_ROLE, trust(Condition={}))
    account.roles["airflow"] = RoleFacts(RUN_ROLE, {})
    account.keys[KEY] = "PendingDeletion"
    account.encryptions = {"training": None, "output": ("aws:kms", KEY)}
    account.blocks, account.bucket_policy, account.rules = {}, {}, []
    account.availability = {"agreementAvailability": {"status": "NOT_AVAILABLE"}}
    account.found_quotas = [QuotaFact("L-BE77399C", "Model units", 0, is_adjustable=False)]
    account.deployments = ["other"] * 100
    claim_root(account, "s3://training/distill", "prod")
    account.objects["s3://output/distill/environment.json"] = b"{"


def the_role_has_another_path(account: FakeAccount, _: FakeConnector) -> None:
    account.roles["r"] = RoleFacts(f"arn:aws:iam::{ACCOUNT}:role/teams/r", trust())


def the_connection_does_not_work(_: FakeAccount, connector: FakeConnector) -> None:
    connector.identities["aws_default"] = ExpiredCredentialsError(REFUSAL)


def the_connection_is_of_another_account(_: FakeAccount, connector: FakeConnector) -> None:
    connector.identities["aws_default"] = Identity("arn:aws:sts::999999999999:assumed-role/a/i-0", "999999999999")


def the_connection_is_that_of_the_owner(_: FakeAccount, connector: FakeConnector) -> None:
    connector.identities["aws_default"] = Identity(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)


def buckets_refuse_access(account: FakeAccount, _: FakeConnector) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RefusedError(REFUSAL)

    account.ensure_bucket = refuse  # type: ignore[method-assign]


BAD: tuple[Callable[[FakeAccount, FakeConnector], None], ...] = (
    *(nothing_may_be_asked, nothing_is_answered, nothing_exists, nothing_is_allowed, some_is_denied),
    *(the_settings_are_bad, the_role_has_another_path, the_connection_does_not_work, buckets_refuse_access),
    *(the_connection_is_of_another_account, the_connection_is_that_of_the_owner),
)


def findings(make_bad: Callable[[FakeAccount, FakeConnector], None]) -> list[Finding]:
    account = FakeAccount()
    connector = FakeConnector(account)
    make_bad(account, connector)
    use_cases = (
        make_use_case(serving={"mode": "on_demand"}, aws={"role_arn": JOBS_ROLE, "kms_key_arn": KEY}),
        make_use_case(name="units", serving={"mode": "provisioned"}, judging={"inference": "batch"}),
        make_use_case(name="old", teacher="claude-3-sonnet"),
    )
    return found_in(account, *use_cases, connector=connector)


@pytest.mark.parametrize("make_bad", BAD)
def test_no_finding_has_a_placeholder_that_the_check_could_fill(
    make_bad: Callable[[FakeAccount, FakeConnector], None],
) -> None:
    found = findings(make_bad)
    assert any(one.result is not Result.OK for one in found)
    placeholders = {name for one in found for text in (one.detail, one.line) for name in re.findall("<[^>]*>", text)}
    assert placeholders <= ONLY_A_PERSON_KNOWS
    assert not any("{" in one.line and one.line.count("{") != one.line.count("}") for one in found)


def test_the_policy_that_the_check_lacks_is_that_of_the_installation() -> None:
    found = [one for one in findings(nothing_may_be_asked) if one.result is Result.NOT_PERMITTED]
    assert len(found) > 10
    named = {name for one in found for name in re.findall(r"bedrock-distill-\S+-check", one.detail)}
    assert named == {f"bedrock-distill-{make_use_case().environment}-check"}


def test_the_advice_of_an_error_names_the_policies_of_the_installation() -> None:
    (finding,) = [one for one in findings(the_connection_does_not_work) if one.result is Result.MISSING]
    environment = make_use_case().environment
    assert f"policy bedrock-distill-{environment}-run; promotions" in finding.detail
    assert f"in bedrock-distill-{environment}-promote" in finding.detail
