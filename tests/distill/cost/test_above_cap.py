from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.use_case import UseCase
from include.distill.cost.above_cap import above_cap_error
from include.distill.cost.prices import BillLine
from include.distill.cost.records import ServingChoice
from include.distill.cost.serving_choice import AnswerCalls, impossible_option, on_demand_option, provisioned_option
from tests.distill.conftest import make_use_case

TOKENS = BillLine("synthesis: t input", 1000, "token", 0.00123456)
ENDPOINTS = [BillLine(f"throughput {arm}: s", 2, "unit-hour", 30.25) for arm in ("one", "two")]


def error(
    lines: list[BillLine], *, cap: float, is_cap_of_the_run: bool = False, serving_of: Any = None, **changes: Any
) -> Any:
    use_case: UseCase = make_use_case(max_spend_usd=cap, **changes)
    return above_cap_error(
        use_case,
        lines,
        uri="s3://b/estimate.json",
        preflight="preflight",
        is_cap_of_the_run=is_cap_of_the_run,
        serving=serving_of,
    )


def test_the_amounts_are_separated_into_endpoints_and_rows() -> None:
    happened = error([TOKENS, *ENDPOINTS], cap=5).happened
    assert "estimated at $122.24, which is above Spend cap, US dollars (max_spend_usd) = $5.00" in happened
    assert "Endpoints cost $121.00, however few rows the run has (arms: 2, model-unit hours: 4)." in happened


@pytest.mark.parametrize(("cap", "helps"), [(0.5, False), (60.5, False), (60.51, True), (61, True)])
def test_a_smaller_run_is_advised_only_if_it_can_stay_below_the_cap(cap: float, helps: bool) -> None:
    to_do = error([TOKENS, ENDPOINTS[0]], cap=cap).to_do
    assert ("Or trigger a new run with fewer documents" in to_do) is helps
    assert ("the endpoints alone cost $60.50" in to_do) is not helps


def test_a_run_without_endpoints_can_always_be_smaller() -> None:
    stated = error([TOKENS], cap=0.5)
    assert "Endpoints" not in stated.happened
    assert "fewer documents" in stated.to_do


def test_fewer_samples_are_advised_only_if_a_job_optimizes_a_prompt() -> None:
    advice = "A lower prompt_optimization.samples in tiny.yaml also makes the run cheaper."
    arms = [{"name": "base", "kind": "base"}, {"name": "prompted", "kind": "base", "prompt": "optimized"}]
    assert advice in error([TOKENS], cap=0.5, arms=arms).to_do
    assert advice not in error([TOKENS], cap=0.5).to_do


def test_a_cap_of_the_run_needs_a_new_run_and_a_cap_of_the_file_is_raised_there() -> None:
    of_the_run = error(ENDPOINTS, cap=5, is_cap_of_the_run=True).to_do
    assert of_the_run.startswith("Trigger a new run with Spend cap, US dollars (max_spend_usd) of at least $121.00")
    assert "clear" not in of_the_run
    of_the_file = error(ENDPOINTS, cap=5).to_do
    assert of_the_file.startswith("The form accepts no cap above max_spend_usd in tiny.yaml. Raise")
    assert "to at least $121.00, then clear preflight with downstream" in of_the_file


def test_what_makes_the_endpoints_cheaper_is_named() -> None:
    two = error(ENDPOINTS, cap=5, serving={"expected_hours": 2}).to_do
    assert "Each trained arm that you remove from tiny.yaml saves $60.50." in two
    assert "The estimate assumes 2 hours per arm (serving.expected_hours)." in two
    one = error(ENDPOINTS[:1], cap=5).to_do
    assert "Only arms of kind base need no endpoint" in one
    assert "expected_hours" not in one


@pytest.mark.parametrize(("mode", "advised"), [("provisioned", True), ("on_demand", False)])
def test_serving_on_demand_is_advised_if_the_estimate_chose_throughput(mode: Any, advised: bool) -> None:
    on_demand = on_demand_option(AnswerCalls(1000, 1e6, 1e5), usd_per_token=(1e-6, 1e-6), answer_minutes=250)
    options = [on_demand, provisioned_option(usd_per_hour=60.5, hours=1)]
    serving: dict[str, ServingChoice] = {"tuned": {"mode": mode, "reason": "r", "options": options}}
    advice = "Or set serving.mode to on_demand: without provisioned throughput, the answers cost about $1.10, but take"
    assert (f"{advice} 258 minutes (4.3 hours)." in error([TOKENS, ENDPOINTS[0]], cap=5, serving_of=serving).to_do) is (
        advised
    )


def test_serving_on_demand_is_not_advised_if_it_is_impossible() -> None:
    options = [impossible_option("on_demand", "w"), provisioned_option(usd_per_hour=60.5, hours=1)]
    serving: dict[str, ServingChoice] = {"tuned": {"mode": "provisioned", "reason": "r", "options": options}}
    assert "serving.mode" not in error([TOKENS, ENDPOINTS[0]], cap=5, serving_of=serving).to_do


def test_the_stated_cap_is_rounded_up_so_that_it_is_enough() -> None:
    assert "$1.24" in error([TOKENS], cap=1).to_do  # $1.2346
    assert "at least $60.50" in error(ENDPOINTS[:1], cap=1).to_do
