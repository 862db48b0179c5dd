"""Check the whole check of an account, on an account in memory."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.account_check.check import check_accounts, checked_use_cases, connections
from include.distill.account_check.findings import Finding, Result
from include.distill.account_check.reader import Identity
from include.distill.config.loader import UseCases
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    ExpiredCredentialsError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
    UnreachedError,
)
from include.distill.inference.pools import required_pools
from tests.distill.conftest import make_use_case
from tests.fakes.fake_account import ACCOUNT, JOBS_ROLE, RUN_ROLE, FakeAccount, FakeConnector

TODAY = datetime.date(2026, 10, 1)
USE_CASE = make_use_case(serving={"mode": "on_demand"})


def found_in(
    account: FakeAccount, *use_cases: UseCase, connector: FakeConnector | None = None, **more: Any
) -> list[Finding]:
    named = use_cases or (USE_CASE,)
    pools = {name: pool["slots"] for name, pool in required_pools(named).items()}
    loaded = UseCases(named, more.pop("problems", ()))
    return check_accounts(loaded, connector or FakeConnector(account), pools=pools, today=TODAY, **more)


def lacking(found: list[Finding]) -> list[str]:
    return [one.check for one in found if one.result is Result.MISSING]


def test_in_an_account_that_has_everything_nothing_is_missing_and_nothing_is_written() -> None:
    account = FakeAccount()
    found = found_in(account)
    assert lacking(found) == []
    assert account.writes == []
    checks = " ".join(one.check for one in found)
    for part in ("pool ", "prices of", "connection aws_default", "model ", "quota ", "bucket ", "owner of", "trust of"):
        assert part in checks
    assert {one.check for one in found if one.check.startswith("permissions")} == {
        "permissions of the role of jobs",
        "permissions of runs and promotions and clean-ups (connection aws_default)",
    }


def test_two_use_cases_are_checked_together_and_a_chosen_one_alone() -> None:
    other = make_use_case(name="other", judges=["nova-pro"])
    together = found_in(FakeAccount(), USE_CASE, other)
    (shared,) = [one for one in together if one.check == "model claude-sonnet-4-6"]
    assert shared.use_cases == ("tiny", "other")
    alone = found_in(FakeAccount(), USE_CASE, other, chosen="other")
    assert {name for one in alone for name in one.use_cases} == {"other"}


def test_a_use_case_with_retired_models_is_checked_only_if_it_is_chosen() -> None:
    old = make_use_case(name="old", teacher="claude-3-sonnet", serving={"mode": "on_demand"})
    (finding,) = [one for one in found_in(FakeAccount(), USE_CASE, old) if "old" in one.use_cases]
    assert (finding.check, finding.result) == ("use case old", Result.NOT_CHECKED)
    assert "claude-3-sonnet" in finding.detail
    assert finding.line == ""  # nothing that is added lets it run
    loaded = UseCases((USE_CASE, old), ())
    assert [checked_use_cases(loaded, chosen) for chosen in (None, "old")] == [1, 1]
    assert "model claude-3-sonnet" in [one.check for one in found_in(FakeAccount(), USE_CASE, old, chosen="old")]


def test_the_problem_of_a_use_case_file_is_missing_unless_another_use_case_is_chosen() -> None:
    assert lacking(found_in(FakeAccount(), problems=("broken.yaml: no",))) == ["use-case file"]
    assert lacking(found_in(FakeAccount(), problems=("broken.yaml: no",), chosen="tiny")) == []


def test_a_connection_that_does_not_work_is_missing_and_aws_is_not_asked() -> None:
    account = FakeAccount()
    connector = FakeConnector(account)
    connector.identities["aws_default"] = ExpiredCredentialsError("get_caller_identity: ExpiredToken.")
    found = found_in(account, connector=connector)
    assert lacking(found) == ["connection aws_default"]
    assert account.simulated == []
    assert found[0].detail.startswith("AWS does not accept the credentials: ")
    assert found[0].line.startswith("airflow connections add aws_default ")
    assert "pool bedrock_123456789012_nova-micro_us-east-1" in [one.check for one in found]


@pytest.mark.parametrize(
    "error",
    [TransientError("c: Could not connect."), ThrottledError("c: slow down."), UnreachedError("c: bad certificate.")],
)
def test_an_endpoint_that_is_not_reached_says_nothing_about_the_credentials(error: ServiceError) -> None:
    connector = FakeConnector(FakeAccount())
    connector.identities["aws_default"] = error
    found = found_in(connector.account, connector=connector)
    assert lacking(found) == []
    (row,) = [one for one in found if one.check == "connection aws_default"]
    assert (row.result, row.line) == (Result.NOT_CHECKED, "")
    assert row.detail == f"AWS could not be asked, so the credentials may be right or wrong: {error}"


def test_a_connection_that_airflow_does_not_have_was_not_refused_by_aws() -> None:
    connector = FakeConnector(FakeAccount())
    connector.identities["aws_default"] = RefusedError("Airflow has no connection aws_default.")
    found = found_in(connector.account, connector=connector)
    assert found[0].detail == "The connection cannot be used: Airflow has no connection aws_default."
    assert found[0].line.startswith("airflow connections add aws_default ")


@pytest.mark.parametrize("error", [TransientError("c: no."), ExpiredCredentialsError("c: expired.")])
def test_without_a_working_connection_each_check_of_aws_has_a_row(error: ServiceError) -> None:
    connector = FakeConnector(FakeAccount())
    connector.identities["aws_default"] = error
    found = found_in(connector.account, connector=connector)
    rows = {one.check: one.detail for one in found if one.result is Result.NOT_CHECKED}
    unasked = "AWS was not asked, because no connection of the use case works (aws_default)"
    assert {check for check, detail in rows.items() if detail == unasked} == {
        *("models", "training and serving of the student", "quotas", "KMS keys", "bucket training", "bucket output"),
        *("owner of s3://training/distill", "owner of s3://output/distill"),
        *(f"role {JOBS_ROLE}", "permissions of the role of jobs"),
    }
    see = "See the row of connection aws_default"
    assert rows["permissions of runs and promotions and clean-ups (connection aws_default)"] == see


def test_the_permissions_of_the_one_connection_that_does_not_work_have_a_row() -> None:
    connector = FakeConnector(FakeAccount())
    connector.identities["promoter"] = TransientError("c: no.")
    use_case = make_use_case(
        aws={"role_arn": JOBS_ROLE, "promotion_conn_id": "promoter"}, serving={"mode": "on_demand"}
    )
    found = found_in(connector.account, use_case, connector=connector)
    results = {one.check: one.result for one in found}
    assert results["permissions of promotions (connection promoter)"] is Result.NOT_CHECKED
    assert results["permissions of runs and clean-ups (connection aws_default)"] is Result.OK


def test_the_settings_of_a_bucket_that_cannot_be_read_have_a_row() -> None:
    account = FakeAccount()
    account.absent_buckets.add("training")
    (row,) = [one for one in found_in(account) if one.check.startswith("bucket training: ")]
    assert row.check == "bucket training: encryption, public access, TLS only, life-cycle rules"
    assert (row.result, row.detail) == (Result.NOT_CHECKED, "See the row of bucket training")


def test_a_connection_of_another_account_than_the_role_is_missing() -> None:
    connector = FakeConnector(FakeAccount())
    foreign = "arn:aws:sts::999999999999:assumed-role/airflow/i-0"
    connector.identities["aws_default"] = Identity(foreign, "999999999999")
    (finding,) = [one for one in found_in(connector.account, connector=connector) if one.result is Result.MISSING]
    assert (finding.check, "account 999999999999" in finding.detail) == ("connection aws_default", True)


def test_the_owner_of_the_account_has_no_policies_to_check() -> None:
    connector = FakeConnector(FakeAccount())
    connector.identities["aws_default"] = Identity(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
    found = found_in(connector.account, connector=connector)
    (finding,) = [one for one in found if one.check.startswith("permissions of runs")]
    assert (finding.result, lacking(found)) == (Result.WARNING, [])
    assert {principal for principal, _, _ in connector.account.simulated} == {JOBS_ROLE}


def test_a_missing_action_of_the_run_and_one_of_the_jobs_are_found_for_their_identity() -> None:
    account = FakeAccount()
    account.not_allowed = {(RUN_ROLE, "iam:PassRole"), (JOBS_ROLE, "s3:GetObject")}
    assert lacking(found_in(account)) == [
        "permissions of the role of jobs",
        "permissions of runs and promotions and clean-ups (connection aws_default)",
    ]


def test_an_absent_bucket_that_runs_create_needs_the_permission_to_create_it() -> None:
    account = FakeAccount()
    account.absent_buckets.add("training")
    account.not_allowed = {(RUN_ROLE, "s3:CreateBucket")}
    storage = {"training_bucket": "training", "output_bucket": "output", "create_buckets": True}
    found = found_in(account, make_use_case(storage=storage, serving={"mode": "on_demand"}))
    assert lacking(found) == ["permissions of runs and promotions and clean-ups (connection aws_default)"]
    assert ("bucket training", Result.WARNING) in [(one.check, one.result) for one in found]


def test_the_key_of_a_bucket_is_checked() -> None:
    account = FakeAccount()
    account.encryptions["training"] = ("aws:kms", "arn:key")
    account.keys["arn:key"] = "Disabled"
    assert lacking(found_in(account)) == ["KMS key arn:key"]


def test_the_keys_of_the_use_case_are_checked_and_what_the_identities_may_do_with_them() -> None:
    account = FakeAccount()
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef"
    use_case = make_use_case(aws={"role_arn": JOBS_ROLE, "kms_key_arn": key}, serving={"mode": "on_demand"})
    assert lacking(found_in(account, use_case)) == [f"KMS key {key}"]
    account.keys[key] = "Enabled"
    account.not_allowed = {(JOBS_ROLE, "kms:CreateGrant")}
    assert lacking(found_in(account, use_case)) == ["permissions of the role of jobs"]


@pytest.mark.parametrize(
    "method",
    [
        *("foundation_model", "model_availability", "profile_status", "list_deployments", "role", "simulate"),
        *("quotas", "ensure_bucket", "encryption", "public_access_block", "policy", "lifecycle_rules"),
    ],
)
@pytest.mark.parametrize(("how", "result"), [("refused", Result.NOT_PERMITTED), ("broken", Result.NOT_CHECKED)])
def test_one_unanswered_question_stops_no_other_check(method: str, how: str, result: Result) -> None:
    account = FakeAccount()
    getattr(account, how).add(method)
    found = found_in(account)
    assert lacking(found) == []
    assert result in {one.result for one in found}
    assert "owner of s3://training/distill" in [one.check for one in found if one.result is Result.OK]


def test_by_default_one_connection_is_used_for_everything() -> None:
    assert connections(USE_CASE) == {"aws_default": ["run", "promotion", "clean_up"]}
