from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import UseCaseError
from include.distill.cost.arm_serving import serving_choice, serving_choices
from include.distill.cost.estimate import PROMPT_TOKENS, TokenRate, estimate
from include.distill.cost.prices import Prices, load_prices
from include.distill.cost.records import ServingOption
from include.distill.cost.serving_choice import AnswerCalls
from tests.distill.conftest import make_use_case

ARMS = [{"name": "base", "kind": "base"}, {"name": "tuned"}, {"name": "best", "kind": "champion"}]
WEST = {"role_arn": "arn:aws:iam::123456789012:role/r", "region": "us-west-2"}
ROW = {"document": "one two three four five six.", "question": "one two three.", "answer": "one."}


def options(use_case: Any, student: str, calls: int = 0, prices: Prices | None = None) -> dict[str, ServingOption]:
    choice = serving_choice(use_case, student, prices or load_prices(), AnswerCalls(calls, 0, 0))
    return {option["mode"]: option for option in choice["options"]}


class TestArms:
    def test_every_arm_of_a_custom_model_has_a_choice(self) -> None:
        use_case = make_use_case(arms=ARMS)
        made = serving_choices(use_case, [ROW], load_prices(), champion="nova-micro", rate=TokenRate())
        assert made.keys() == {"tuned", "best"}
        assert {choice["mode"] for choice in made.values()} == {"on_demand"}

    def test_without_a_champion_the_base_student_answers_in_its_place(self) -> None:
        assert serving_choices(make_use_case(arms=ARMS), [ROW], load_prices(), rate=TokenRate()).keys() == {"tuned"}

    def test_a_champion_of_another_student_is_served_as_that_student_allows(self) -> None:
        use_case = make_use_case(arms=ARMS, student="llama-3-3-70b", aws=WEST)
        made = serving_choices(use_case, [ROW], load_prices(), champion="llama-3-1-8b", rate=TokenRate())
        assert (made["tuned"]["mode"], made["best"]["mode"]) == ("on_demand", "provisioned")
        assert "does not deploy models trained from llama-3-1-8b" in made["best"]["reason"]

    def test_the_option_on_demand_costs_what_its_lines_in_the_estimate_cost(self) -> None:
        use_case, rows = make_use_case(), [ROW] * 500
        made = serving_choices(use_case, rows, load_prices(), rate=TokenRate())
        lines = estimate(use_case, train=rows, evaluation=rows, prices=load_prices(), serving=made)
        usd = sum(line.usd for line in lines if line.what.startswith("answers tuned"))
        assert made["tuned"]["options"][0]["usd"] == pytest.approx(usd, abs=2e-4)
        assert usd > 500 * PROMPT_TOKENS * 0.03e-6


class TestQuota:
    """Deployments of Llama 3.3 answer 4 calls a minute, those of Nova Micro 2,000."""

    @pytest.mark.parametrize(
        ("student", "aws", "minutes"),
        [("nova-micro", {**WEST, "region": "us-east-1"}, 8.2), ("llama-3-3-70b", WEST, 93.8)],
    )
    def test_the_quota_of_the_deployment_determines_the_time(self, student: str, aws: Any, minutes: float) -> None:
        assert options(make_use_case(aws=aws), student, calls=343)["on_demand"]["minutes"] == minutes

    def test_a_slow_quota_does_not_lead_to_throughput_that_does_not_exist(self) -> None:
        use_case = make_use_case(student="llama-3-3-70b", aws=WEST, serving={"max_hours": 1})
        choice = serving_choice(use_case, "llama-3-3-70b", load_prices(), AnswerCalls(343, 0, 0))
        assert choice["mode"] == "on_demand"
        assert "no provisioned throughput for models trained from llama-3-3-70b" in choice["reason"]


class TestProvisioned:
    def test_the_hours_and_model_units_of_the_use_case_are_priced(self) -> None:
        use_case = make_use_case(serving={"expected_hours": 1.5, "model_units": 2})
        option = options(use_case, "nova-micro")["provisioned"]
        per_hour = load_prices().price("nova-micro", "throughput_per_hour")
        assert (option["usd"], option["minutes"], option["usd_per_hour"]) == (3 * per_hour, 90, 2 * per_hour)


class TestPrices:
    def test_a_deployment_without_a_price_is_not_possible_because_the_cap_could_not_be_enforced(self) -> None:
        made = options(make_use_case(), "nova-micro", prices=Prices({"nova-micro": {"throughput_per_hour": 10}}, 0.5))
        assert made["on_demand"]["why_not"] == "include/prices.yaml has no custom_input_per_million for nova-micro"

    def test_throughput_without_a_price_is_not_possible_either(self) -> None:
        prices = Prices({"nova-micro": {"custom_input_per_million": 1, "custom_output_per_million": 1}}, 0.5)
        made = options(make_use_case(), "nova-micro", prices=prices)
        assert made["provisioned"]["why_not"] == "include/prices.yaml has no throughput_per_hour for nova-micro"
        with pytest.raises(
            UseCaseError, match=r"serving\.mode is provisioned, but include/prices\.yaml has no throughput"
        ):
            serving_choice(make_use_case(serving={"mode": "provisioned"}), "nova-micro", prices)
