"""Tests of the message about a run that would exceed a monthly budget."""

from __future__ import annotations

from typing import Any

from include.distill.config.budgets import MonthBudget
from include.distill.core.errors import BudgetExceededError, SpendCapError
from include.distill.cost.month_budget import StandingCost, budget_state
from include.distill.cost.over_budget import over_budget_error
from include.distill.history.records import HistoryEntry
from tests.distill.cost.test_month_budget import ended, running
from tests.distill.history.test_months import NOVEMBER

BUDGET = MonthBudget("use_case", "faq", 100, "budget.month_usd", "faq.yaml")
ENDPOINT = StandingCost("faq", "faq-standing", 24.0, 12.5)


def error(
    runs: list[HistoryEntry], *, expected: float = 30.0, standing: Any = (), is_estimated: bool = True
) -> BudgetExceededError:
    state = budget_state("use_case", 100, runs, NOVEMBER, standing=standing, expected_usd=expected)
    return over_budget_error(
        BUDGET, state, runs, standing, NOVEMBER, then_clear="preflight with downstream", is_estimated=is_estimated
    )


def test_the_message_says_what_is_left_and_which_runs_used_up_the_budget() -> None:
    found = error([ended("a", 70.25), running("b", 10.0)])
    assert isinstance(found, SpendCapError)
    assert found.happened == (
        "This run is expected to pay $30.00, but $19.75 is left of the budget of use case faq for November 2026 (UTC):"
        " $100.00, set by budget.month_usd in faq.yaml. Spent: $70.25. Reserved for runs in progress, and for runs"
        " whose bill is not known: $10.00. The most expensive runs: distill_faq scheduled__a ($70.25, succeeded);"
        " distill_faq scheduled__b ($10.00, running, reserved)."
    )
    assert (found.left, found.billed) == ("The rows and the estimate are stored.", "Nothing was bought.")


def test_the_advice_names_an_amount_that_is_enough_and_the_end_of_the_month() -> None:
    advice = error([ended("a", 70.251), running("b", 10.0)]).to_do
    assert "Raise budget.month_usd in faq.yaml to at least $110.26, then clear preflight with downstream." in advice
    assert "clear preflight with downstream once they have ended" in advice
    assert "trigger a new run after the month has ended, at 2026-12-01 00:00 UTC" in advice
    assert "fewer documents" in advice


def test_without_runs_in_progress_nobody_is_advised_to_wait_for_them() -> None:
    assert "runs in progress end" not in error([ended("a", 90.0)]).to_do


def test_five_runs_are_named_and_the_others_are_counted() -> None:
    found = error([ended(f"r{number}", 10.0 + number) for number in range(8)])
    assert found.happened.count("scheduled__") == 5
    assert "scheduled__r7 ($17.00" in found.happened
    assert "Number of further runs: 3." in found.happened


def test_a_run_that_is_larger_than_the_whole_budget_is_refused_in_an_empty_month() -> None:
    assert "No other run of the month has cost anything." in error([], expected=101.0).happened


def test_a_standing_endpoint_is_an_item_of_its_own_and_goes_on_being_billed() -> None:
    found = error([ended("a", 60.0)], standing=[ENDPOINT])
    assert "Spent: $84.00, $24.00 of it for standing endpoints." in found.happened
    assert "faq-standing of use case faq is billed $12.50 per hour until a person deletes it" in found.billed


def test_before_the_estimate_only_an_exhausted_budget_is_reported() -> None:
    found = error([ended("a", 112.0)], expected=0.0, is_estimated=False)
    assert found.happened.startswith("Nothing is left of the budget of use case faq")
    assert "That is $12.00 more than the budget." in found.happened
    assert found.left == "The run stored nothing."
    assert "Raise budget.month_usd in faq.yaml above $112.00, then clear" in found.to_do
    assert "fewer documents" not in found.to_do
