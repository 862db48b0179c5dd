from __future__ import annotations

from typing import Any

import pytest

from include.distill.account_check.findings import Finding, Result
from include.distill.account_check.models import model_findings
from tests.distill.conftest import make_use_case
from tests.fakes.fake_account import FakeAccount

STUDENT, PROFILE = "amazon.nova-micro-v1:0", "us.amazon.nova-micro-v1:0"


def findings(account: FakeAccount, **changes: Any) -> dict[str, Finding]:
    use_case = make_use_case(**changes)
    return {one.check: one for one in model_findings(account, use_case, [use_case])}


def test_every_model_its_profile_the_training_and_the_serving_are_checked() -> None:
    found = findings(FakeAccount())
    assert {one.result for one in found.values()} == {Result.OK}
    assert {"model nova-micro", f"inference profile {PROFILE}", "training of nova-micro"} <= set(found)
    assert {"serving of trained models", "max_tokens of each step"} <= set(found)


def test_a_model_that_is_not_active_is_missing() -> None:
    account = FakeAccount()
    account.details[STUDENT] = {"modelLifecycle": {"status": "LEGACY"}, "customizationsSupported": ["FINE_TUNING"]}
    found = findings(account)["model nova-micro"]
    assert (found.result, "is LEGACY, not ACTIVE" in found.detail) == (Result.MISSING, True)


def test_a_model_without_access_is_missing_with_the_command_that_shows_it() -> None:
    account = FakeAccount()
    account.availability = {"authorizationStatus": "NOT_AUTHORIZED"}
    found = findings(account)["model nova-micro"]
    assert (found.result, found.line) == (
        Result.MISSING,
        f"aws bedrock get-foundation-model-availability --model-id {STUDENT} --region us-east-1",
    )


def test_a_profile_that_does_not_exist_in_the_region_is_missing() -> None:
    account = FakeAccount()
    account.absent_profiles.add(PROFILE)
    assert findings(account)[f"inference profile {PROFILE}"].result is Result.MISSING


def test_a_student_that_cannot_be_trained_in_the_region_is_missing_with_a_region_in_which_it_can() -> None:
    west = {"role_arn": "arn:aws:iam::123456789012:role/r", "region": "us-west-2"}
    found = findings(FakeAccount(), aws=west)["training of nova-micro"]
    assert (found.result, found.line) == (Result.MISSING, "DISTILL_REGION=us-east-1")


def test_a_student_that_bedrock_cannot_train_is_missing() -> None:
    account = FakeAccount()
    account.details[STUDENT] = account.details[f"{STUDENT}:128k"] = {"modelLifecycle": {"status": "ACTIVE"}}
    assert findings(account)["training of nova-micro"].result is Result.MISSING


def test_too_many_deployments_are_missing() -> None:
    account = FakeAccount()
    account.deployments = [f"app-{number}" for number in range(10)]
    found = findings(account)["serving of trained models"]
    assert (found.result, "10 custom model deployments" in found.detail) == (Result.MISSING, True)


def test_a_max_tokens_that_exceeds_the_quota_is_missing() -> None:
    found = findings(FakeAccount(), quotas={"claude-sonnet-4-6": {"tokens_per_minute": 100}})
    assert found["max_tokens of each step"].result is Result.MISSING


@pytest.mark.parametrize(
    ("method", "check"),
    [
        ("foundation_model", "model nova-micro"),
        ("model_availability", "model nova-micro"),
        ("profile_status", f"inference profile {PROFILE}"),
        ("list_deployments", "serving of trained models"),
    ],
)
def test_a_refusal_of_the_check_is_no_problem_of_the_model(method: str, check: str) -> None:
    account = FakeAccount()
    account.refused.add(method)
    found = findings(account)
    assert found[check].result is Result.NOT_PERMITTED
    assert found["max_tokens of each step"].result is Result.OK
