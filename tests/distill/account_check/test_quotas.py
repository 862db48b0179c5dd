from __future__ import annotations

from typing import Any

import pytest

from include.distill.account_check.findings import Finding, Result
from include.distill.account_check.quotas import MODEL_UNITS, quota_findings
from include.distill.account_check.reader import QuotaFact
from tests.distill.conftest import make_use_case
from tests.fakes.fake_account import FakeAccount

TWO_TRAINED = [{"name": "base", "kind": "base"}, {"name": "one"}, {"name": "two"}]
HAIKU = "Cross-region model inference {} per minute for Anthropic Claude Haiku 4.5"


def quota(name: str, value: float, code: str = "L-1", *, is_adjustable: bool = True) -> QuotaFact:
    return QuotaFact(code, name, value, is_adjustable)


def rates(requests: float, tokens: float) -> list[QuotaFact]:
    return [quota(HAIKU.format("requests"), requests, "L-R"), quota(HAIKU.format("tokens"), tokens, "L-T")]


def finding(found_quotas: list[QuotaFact], check: str = "quota of claude-haiku-4-5", **changes: Any) -> Finding:
    account = FakeAccount()
    account.found_quotas = found_quotas
    found = {one.check: one for one in quota_findings(account, make_use_case(**changes))}
    return found[check]


def expecting(requests: float, tokens: float) -> dict[str, Any]:
    return {"quotas": {"claude-haiku-4-5": {"requests_per_minute": requests, "tokens_per_minute": tokens}}}


class TestRates:
    def test_a_use_case_that_expects_what_the_account_has_is_ok(self) -> None:
        found = finding(rates(50, 200_000), **expecting(50, 200_000))
        assert (found.result, found.detail) == (
            Result.OK,
            "the account has 50 requests per minute and 200,000 tokens per minute",
        )

    @pytest.mark.parametrize(("requests", "tokens"), [(51, 200_000), (50, 200_001)])
    def test_a_use_case_that_expects_more_is_a_warning_with_the_setting(self, requests: float, tokens: float) -> None:
        found = finding(rates(50, 200_000), **expecting(requests, tokens))
        assert found.result is Result.WARNING
        assert found.line.startswith("quotas: {claude-haiku-4-5: {requests_per_minute: 50, tokens_per_minute: 200000}}")

    def test_a_use_case_that_states_no_quota_gets_the_setting(self) -> None:
        found = finding(rates(50, 200_000))
        assert (found.result, "requests_per_minute: 50" in found.line) == (Result.WARNING, True)

    def test_a_quota_of_0_is_missing_with_the_command_that_asks_for_more(self) -> None:
        found = finding(rates(50, 0))
        assert (found.result, found.line) == (
            Result.MISSING,
            "aws service-quotas request-service-quota-increase --service-code bedrock --quota-code L-T"
            " --desired-value 1 --region us-east-1",
        )

    def test_a_quota_that_is_not_adjustable_is_for_aws_support(self) -> None:
        name = HAIKU.format("tokens")
        assert "AWS Support" in finding([quota(name, 0, "L-T", is_adjustable=False)]).line

    @pytest.mark.parametrize(
        "name",
        [
            "On-demand model inference requests per minute for Anthropic Claude Haiku 4.5",
            "Global cross-region model inference requests per minute for Anthropic Claude Haiku 4.5",
            "Cross-region model inference requests per minute for Anthropic Claude Haiku 4.5 Long Context",
            "Cross-region model inference requests per minute for Anthropic Claude Haiku 4",
            "Cross-region model inference requests per day for Anthropic Claude Haiku 4.5",
        ],
    )
    def test_the_quota_of_another_model_or_kind_of_call_does_not_count(self, name: str) -> None:
        assert finding([quota(name, 50)]).result is Result.NOT_CHECKED

    def test_the_name_may_end_with_a_version(self) -> None:
        assert finding([quota(f"{HAIKU.format('requests')} V1", 50)]).result is Result.WARNING


class TestModelUnits:
    @pytest.mark.parametrize(
        ("changes", "value", "result"),
        [
            ({"serving": {"mode": "provisioned", "model_units": 2}}, 2, Result.OK),
            ({"serving": {"mode": "provisioned", "model_units": 2}}, 1, Result.MISSING),
            ({"serving": {"mode": "provisioned", "arms_at_a_time": 2}}, 1, Result.MISSING),
            ({"serving": {"mode": "auto"}}, 0, Result.WARNING),
            (
                {"serving": {"mode": "on_demand"}, "promotion": {"serve": "provisioned", "ask_a_person": True}},
                0,
                Result.MISSING,
            ),
        ],
    )
    def test_provisioned_throughput_needs_model_units(self, changes: Any, value: float, result: Result) -> None:
        found = finding([quota("Model units", value, MODEL_UNITS)], f"quota {MODEL_UNITS}", **changes)
        assert found.result is result

    def test_a_use_case_that_serves_on_demand_needs_none(self) -> None:
        with pytest.raises(KeyError):
            finding([], f"quota {MODEL_UNITS}", serving={"mode": "on_demand"})

    def test_the_quota_is_read_by_its_code_if_the_list_is_refused(self) -> None:
        account = FakeAccount()
        account.refused.add("quotas")
        account.found_quotas = [quota("Model units", 1, MODEL_UNITS)]
        found = list(quota_findings(account, make_use_case(serving={"mode": "provisioned"})))
        assert [one.result for one in found] == [Result.NOT_PERMITTED, Result.OK]

    def test_a_region_without_the_quota_is_not_checked(self) -> None:
        found = finding([], f"quota {MODEL_UNITS}", serving={"mode": "provisioned"})
        assert found.result is Result.NOT_CHECKED


class TestJobs:
    NAME = "(Model customization) Scheduled customization jobs"

    @pytest.mark.parametrize(("value", "result"), [(2, Result.OK), (1, Result.WARNING)])
    def test_each_trained_arm_needs_a_job(self, value: float, result: Result) -> None:
        found = finding([quota(self.NAME, value)], "quota of customization jobs", arms=TWO_TRAINED)
        assert found.result is result

    @pytest.mark.parametrize(("value", "result"), [(10, Result.OK), (9, Result.WARNING)])
    def test_the_quota_of_deployments_is_that_of_the_use_case(self, value: float, result: Result) -> None:
        found = finding([quota("Total custom model deployments", value)], "quota of deployments")
        assert found.result is result
