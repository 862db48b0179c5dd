from __future__ import annotations

from typing import Any, Literal

import pytest

from include.distill.core.errors import UseCaseError
from include.distill.cost.records import ServingChoice, ServingOption
from include.distill.cost.serving_choice import (
    MINUTES_UNTIL_ACTIVE,
    AnswerCalls,
    choose_serving,
    describe_serving,
    impossible_option,
    on_demand_option,
    provisioned_option,
)

CALLS = AnswerCalls(calls=343, input_tokens=900_000, output_tokens=100_000)
HOURLY = provisioned_option(usd_per_hour=60.5, hours=1)
NO_DEPLOYMENT = impossible_option("on_demand", "Bedrock has no deployments of llama-3-1-8b")
NO_THROUGHPUT = impossible_option("provisioned", "Bedrock sells no provisioned throughput for llama-3-3-70b")


def deployment(answer_minutes: float | None) -> ServingOption:
    return on_demand_option(CALLS, usd_per_token=(0.1e-6, 0.5e-6), answer_minutes=answer_minutes)


def chosen(
    setting: Literal["auto", "on_demand", "provisioned"] = "auto",
    *,
    minutes: float | None = 5,
    max_hours: float = 2,
    **options: Any,
) -> ServingChoice:
    given = {"on_demand": deployment(minutes), "provisioned": HOURLY, **options}
    return choose_serving(setting, answer_minutes=minutes, max_hours=max_hours, **given)


class TestMinutes:
    @pytest.mark.parametrize(
        ("requests", "tokens", "minutes"),
        [
            pytest.param(4, 300_000, 343 / 4, id="the requests take longer"),
            pytest.param(2_000, 100_000, 10, id="the tokens take longer"),
            pytest.param(None, 100_000, 10, id="only the quota of tokens is known"),
            pytest.param(7, None, 49, id="only the quota of requests is known"),
            pytest.param(None, None, None, id="no quota is known"),
        ],
    )
    def test_the_slower_quota_determines_the_time(
        self, requests: float | None, tokens: float | None, minutes: float | None
    ) -> None:
        assert CALLS.minutes(requests_per_minute=requests, tokens_per_minute=tokens) == minutes


class TestOptions:
    def test_a_deployment_costs_its_tokens_and_takes_its_creation_and_the_answers(self) -> None:
        option = deployment(5)
        assert (option["usd"], option["minutes"], option["usd_per_hour"]) == (0.14, MINUTES_UNTIL_ACTIVE + 5, None)

    def test_the_time_of_a_deployment_with_an_unknown_quota_is_unknown(self) -> None:
        option = deployment(None)
        assert (option["possible"], option["minutes"]) == (True, None)

    def test_throughput_costs_its_hours_however_few_calls_there_are(self) -> None:
        option = provisioned_option(usd_per_hour=121, hours=1.5)
        assert (option["usd"], option["minutes"], option["usd_per_hour"]) == (181.5, 90, 121)


class TestAuto:
    @pytest.mark.parametrize(
        ("minutes", "max_hours", "mode"),
        [
            (5, 2, "on_demand"),
            (86, 2, "on_demand"),  # Llama 3.3 with 343 questions
            (120, 2, "on_demand"),
            (120.1, 2, "provisioned"),
            (86, 1, "provisioned"),
            (86, 1.5, "on_demand"),
        ],
    )
    def test_a_deployment_is_chosen_unless_its_quota_takes_longer_than_the_limit(
        self, minutes: float, max_hours: float, mode: str
    ) -> None:
        choice = chosen(minutes=minutes, max_hours=max_hours)
        assert choice["mode"] == mode
        assert f"serving.max_hours, {max_hours:g} h" in choice["reason"]

    def test_a_model_without_deployments_is_served_by_throughput_and_the_reason_says_so(self) -> None:
        choice = chosen(on_demand=NO_DEPLOYMENT)
        assert (choice["mode"], choice["reason"]) == ("provisioned", "Bedrock has no deployments of llama-3-1-8b")

    def test_a_slow_deployment_is_used_if_there_is_no_throughput(self) -> None:
        choice = chosen(minutes=600, provisioned=NO_THROUGHPUT)
        assert choice["mode"] == "on_demand"
        assert "sells no provisioned throughput" in choice["reason"]
        assert "The answers take longer than serving.max_hours, 2 h" in choice["reason"]

    def test_an_unknown_quota_does_not_lead_to_an_hourly_price(self) -> None:
        choice = chosen(minutes=None)
        assert choice["mode"] == "on_demand"
        assert "quota is not known" in choice["reason"]

    def test_a_model_that_cannot_be_served_at_all_is_refused_with_both_reasons(self) -> None:
        with pytest.raises(UseCaseError, match=r"no deployments of.*sells no provisioned throughput.*another student"):
            chosen(on_demand=NO_DEPLOYMENT, provisioned=NO_THROUGHPUT)

    def test_both_options_are_kept_whatever_is_chosen(self) -> None:
        for minutes in (5, 500):
            assert [option["mode"] for option in chosen(minutes=minutes)["options"]] == ["on_demand", "provisioned"]


class TestSetting:
    @pytest.mark.parametrize("setting", ["on_demand", "provisioned"])
    def test_the_setting_decides_whatever_the_time_is(self, setting: Literal["on_demand", "provisioned"]) -> None:
        for minutes in (5, 500, None):
            choice = chosen(setting, minutes=minutes)
            assert (choice["mode"], choice["reason"]) == (setting, f"serving.mode is {setting}")

    @pytest.mark.parametrize(
        ("setting", "options", "alternative"),
        [
            ("on_demand", {"on_demand": NO_DEPLOYMENT}, "Set serving.mode to auto or provisioned"),
            ("provisioned", {"provisioned": NO_THROUGHPUT}, "Set serving.mode to auto or on_demand"),
        ],
    )
    def test_an_impossible_setting_is_refused_and_the_alternative_is_named(
        self, setting: Literal["on_demand", "provisioned"], options: dict[str, ServingOption], alternative: str
    ) -> None:
        with pytest.raises(UseCaseError) as raised:
            chosen(setting, **options)
        assert str(raised.value).startswith(f"serving.mode is {setting}, but Bedrock ")
        assert alternative in str(raised.value)
        assert raised.value.settings == ("serving.mode",)

    def test_no_alternative_is_named_if_there_is_none(self) -> None:
        with pytest.raises(UseCaseError) as raised:
            chosen("on_demand", on_demand=NO_DEPLOYMENT, provisioned=NO_THROUGHPUT)
        assert "Set serving.mode" not in str(raised.value)
        assert "Name another student in the use-case file" in str(raised.value)


class TestDescription:
    def test_both_options_are_described_in_dollars_and_minutes_with_the_reason(self) -> None:
        assert describe_serving("tuned", chosen(minutes=5)) == (
            "tuned is served by a deployment, on demand, because a deployment costs nothing while it is idle, and at"
            " the deployment's quota, the answers take 5 minutes, which is within serving.max_hours, 2 h. Options: a"
            " deployment, on demand: $0.1400, about 13 minutes; provisioned throughput: $60.50 at $60.50 per hour,"
            " about 60 minutes."
        )

    def test_an_impossible_option_is_described_with_its_reason(self) -> None:
        text = describe_serving("tuned", chosen(on_demand=NO_DEPLOYMENT))
        assert "a deployment, on demand: not possible, because Bedrock has no deployments of llama-3-1-8b" in text

    @pytest.mark.parametrize(("minutes", "text"), [(0.2, "about 8 minutes"), (300, "308 minutes (5.1 hours)")])
    def test_a_time_of_hours_is_also_given_in_hours(self, minutes: float, text: str) -> None:
        assert text in describe_serving("tuned", chosen("on_demand", minutes=minutes))

    def test_an_unknown_time_is_called_unknown(self) -> None:
        assert "$0.1400, an unknown time" in describe_serving("tuned", chosen(minutes=None))
