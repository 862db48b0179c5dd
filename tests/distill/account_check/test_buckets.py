from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.account_check.buckets import owner_findings, place_of, setting_findings
from include.distill.account_check.findings import Finding, Result
from include.distill.config.root_owner import claim_root
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, RefusedError
from tests.distill.conftest import make_use_case
from tests.fakes.fake_account import BLOCKED, RULES, FakeAccount

USE_CASE = make_use_case()


def setting(account: FakeAccount, name: str, bucket: str = "training") -> Finding:
    found = {one.check: one for one in setting_findings(account, account, USE_CASE, bucket)}
    return found[f"bucket {bucket}: {name}"]


def answering(monkeypatch: pytest.MonkeyPatch, answer: str | Exception) -> FakeAccount:
    """Return an account that answers in this way where a bucket is."""
    account = FakeAccount()

    def ensure_bucket(*_: Any, **__: Any) -> str:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(account, "ensure_bucket", ensure_bucket)
    return account


def absent_bucket(use_case: UseCase) -> Finding:
    account = FakeAccount()
    account.absent_buckets.add("training")
    place = place_of(account, use_case, "training")
    assert place.is_absent
    return place.finding


class TestPlace:
    def test_a_bucket_in_the_region_is_ok(self) -> None:
        place = place_of(FakeAccount(), USE_CASE, "training")
        assert (place.finding.result, place.finding.detail, place.is_absent) == (Result.OK, "in us-east-1", False)

    @pytest.mark.parametrize(
        ("answer", "detail"),
        [
            ("bucket training is in eu-west-1", "bucket training is in eu-west-1"),
            (RefusedError("head_bucket training: 403."), "head_bucket training: 403."),
            (RefusedError("the account of the bucket does not exist"), "the account of the bucket does not exist"),
        ],
    )
    def test_a_bucket_in_another_region_or_account_is_missing_but_exists(
        self, monkeypatch: pytest.MonkeyPatch, answer: str | Exception, detail: str
    ) -> None:
        place = place_of(answering(monkeypatch, answer), USE_CASE, "training")
        assert (place.finding.result, place.finding.detail, place.is_absent) == (Result.MISSING, detail, False)

    @pytest.mark.parametrize(("creates", "result"), [(False, Result.MISSING), (True, Result.WARNING)])
    def test_a_bucket_that_does_not_exist_has_the_command_that_creates_it(self, creates: bool, result: Result) -> None:
        storage = {"training_bucket": "training", "output_bucket": "output", "create_buckets": creates}
        found = absent_bucket(make_use_case(storage=storage))
        assert (found.result, found.line) == (result, "aws s3api create-bucket --bucket training --region us-east-1")

    def test_outside_of_us_east_1_the_command_names_the_location(self) -> None:
        west = make_use_case(aws={"role_arn": USE_CASE.aws.role_arn, "region": "us-west-2"}, student="llama-3-3-70b")
        assert absent_bucket(west).line.endswith("--create-bucket-configuration LocationConstraint=us-west-2")


class TestSettings:
    def test_a_bucket_of_the_template_is_ok(self) -> None:
        account = FakeAccount()
        found = list(setting_findings(account, account, USE_CASE, "training"))
        assert [one.result for one in found] == [Result.OK] * 4

    def test_a_bucket_without_default_encryption_is_a_warning(self) -> None:
        account = FakeAccount()
        account.encryptions["training"] = None
        found = setting(account, "encryption")
        assert (found.result, "put-bucket-encryption --bucket training" in found.line) == (Result.WARNING, True)

    @pytest.mark.parametrize("name", sorted(BLOCKED))
    def test_each_open_door_to_the_public_is_named(self, name: str) -> None:
        account = FakeAccount()
        account.blocks = {**BLOCKED, name: False}
        found = setting(account, "public access")
        assert (found.result, name in found.detail) == (Result.WARNING, True)

    @pytest.mark.parametrize(
        "policy",
        [
            {},
            {"Statement": {"Effect": "Allow", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}},
            {"Statement": [{"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]},
        ],
    )
    def test_a_policy_that_allows_requests_without_tls_gets_the_statement(self, policy: dict[str, Any]) -> None:
        account = FakeAccount()
        account.bucket_policy = policy
        found = setting(account, "TLS only")
        assert found.result is Result.WARNING
        account.bucket_policy = {"Statement": [json.loads(found.line)]}
        assert setting(account, "TLS only").result is Result.OK

    def test_missing_life_cycle_rules_are_given_and_only_these(self) -> None:
        account = FakeAccount()
        account.rules = RULES[:1]
        assert [rule["ID"] for rule in json.loads(setting(account, "life-cycle rules").line)] == ["runs"]
        assert setting(account, "life-cycle rules", "output").result is Result.OK
        account.rules = []
        rules = json.loads(setting(account, "life-cycle rules").line)
        assert [rule["ID"] for rule in rules] == ["uploads", "runs"]
        account.rules = rules
        assert setting(account, "life-cycle rules").result is Result.OK

    @pytest.mark.parametrize("prefix", ["other/runs/", "distill/runs/aws_docs_qa/"])
    def test_a_rule_for_another_folder_does_not_count(self, prefix: str) -> None:
        account = FakeAccount()
        account.rules = [RULES[0], {**RULES[1], "Filter": {"Prefix": prefix}}]
        assert setting(account, "life-cycle rules").result is Result.WARNING

    def test_a_bucket_that_is_deleted_during_the_check_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        account = FakeAccount()

        def deleted(_: str) -> Any:
            raise NotFoundError("get_bucket_encryption training: NoSuchBucket.")

        monkeypatch.setattr(account, "encryption", deleted)
        (found,) = setting_findings(account, account, USE_CASE, "training")
        assert (found.check, found.result) == ("bucket training", Result.MISSING)

    def test_one_refusal_does_not_stop_the_other_checks(self) -> None:
        account = FakeAccount()
        account.refused.add("policy")
        assert (setting(account, "TLS only").result, setting(account, "encryption").result) == (
            Result.NOT_PERMITTED,
            Result.OK,
        )
        assert "s3:GetBucketPolicy" in setting(account, "TLS only").line


class TestOwner:
    def test_a_root_without_an_owner_and_an_own_root_are_ok(self) -> None:
        account = FakeAccount()
        claim_root(account, "s3://training/distill", USE_CASE.environment)
        assert [one.result for one in owner_findings(account, USE_CASE)] == [Result.OK, Result.OK]

    def test_a_root_of_another_environment_is_missing(self) -> None:
        account = FakeAccount()
        claim_root(account, "s3://output/distill", "prod")
        found = [one for one in owner_findings(account, USE_CASE) if one.result is Result.MISSING]
        assert [(one.check, "belongs to environment prod" in one.detail) for one in found] == [
            ("owner of s3://output/distill", True)
        ]
        assert found[0].line.startswith(f"DISTILL_PREFIX=distill-{USE_CASE.environment} ")

    def test_an_unreadable_record_is_not_taken_for_an_own_one(self) -> None:
        account = FakeAccount()
        account.objects["s3://output/distill/environment.json"] = b"{"
        results = [one.result for one in owner_findings(account, USE_CASE)]
        assert results == [Result.OK, Result.MISSING]
