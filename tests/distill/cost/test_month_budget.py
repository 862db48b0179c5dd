"""Tests of the comparison of a monthly budget with what runs cost."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from include.distill.config.budgets import MonthBudget
from include.distill.cost.month_budget import (
    StandingCost,
    budget_state,
    covers,
    decide,
    hours_in_month,
    month_end,
    month_start,
    most_expensive,
    state_sentence,
    undecided_usd,
    warning_sentences,
)
from include.distill.history.records import HistoryEntry
from tests.distill.history.test_months import DECEMBER, NOVEMBER, entry

MORNING = datetime.datetime(2026, 11, 3, 2, tzinfo=datetime.UTC)


def ended(key: str, usd: float | None, **changes: Any) -> HistoryEntry:
    return {**entry(key, NOVEMBER, spent=usd), "state": "succeeded", **changes}


def running(key: str, to_pay: float, *, decided: bool = True, spent: float | None = None) -> HistoryEntry:
    return {
        **entry(key, NOVEMBER, spent=spent),
        "budget": {"to_pay_usd": to_pay, "decided": decided, "warned": []},
    }


def state(runs: list[HistoryEntry], own: HistoryEntry | None = None, expected: float = 0.0, usd: float = 100.0) -> Any:
    return budget_state("use_case", usd, runs, NOVEMBER, own=own, expected_usd=expected)


class TestState:
    def test_bills_and_reservations_are_added_up(self) -> None:
        runs = [ended("a", 10.0), ended("b", 5.5, state="failed"), running("c", 20.0), ended("unknown", None)]
        found = state(runs)
        assert (found["spent_usd"], found["reserved_usd"], found["left_usd"]) == (15.5, 22.0, 62.5)
        assert found["share"] == 0.375
        assert found["month"] == "2026-11"

    def test_runs_of_other_months_do_not_count(self) -> None:
        assert state([{**ended("a", 10.0), "started_at": DECEMBER.isoformat()}])["spent_usd"] == 0

    def test_a_cleared_run_counts_with_what_it_has_spent_but_not_with_its_own_reservation(self) -> None:
        own = running("own", 30.0, spent=12.0)
        found = state([ended("a", 10.0), own], own, expected=30.0)
        assert (found["spent_usd"], found["reserved_usd"], found["left_usd"]) == (22.0, 0.0, 78.0)

    def test_a_run_with_the_same_key_in_another_use_case_is_another_run(self) -> None:
        own = running("key", 30.0)
        assert state([{**ended("key", 10.0), "use_case": "other"}, own], own)["spent_usd"] == 10.0

    def test_standing_endpoints_are_spent_and_listed_on_their_own(self) -> None:
        costs = [StandingCost("faq", "standing", 24.0, 12.0)]
        found = budget_state("owner", 100, [ended("a", 10.0)], NOVEMBER, standing=costs)
        assert (found["spent_usd"], found["standing_usd"], found["left_usd"]) == (34.0, 24.0, 66.0)

    def test_more_than_the_budget_leaves_a_negative_amount(self) -> None:
        found = state([ended("a", 130.0)])
        assert (found["left_usd"], found["share"]) == (-30.0, 1.3)


class TestWarning:
    @pytest.mark.parametrize(("expected", "is_warning"), [(19.99, False), (20.0, True)])
    def test_the_run_that_uses_up_most_of_the_budget_warns(self, expected: float, is_warning: bool) -> None:
        assert state([ended("a", 60.0)], expected=expected)["is_warning"] is is_warning

    def test_only_the_first_run_of_a_month_warns(self) -> None:
        first = ended("a", 85.0, budget={"to_pay_usd": 80.0, "decided": True, "warned": ["use_case"]})
        assert not state([first], expected=1.0)["is_warning"]
        assert budget_state("owner", 100, [first], NOVEMBER, expected_usd=1.0)["is_warning"]

    def test_a_run_warns_if_a_bill_above_its_estimate_used_up_the_budget_before(self) -> None:
        earlier = ended("a", 85.0, budget={"to_pay_usd": 50.0, "decided": True, "warned": []})
        assert state([earlier], expected=1.0)["is_warning"]

    def test_a_cleared_run_repeats_its_own_warning(self) -> None:
        own: HistoryEntry = {
            **running("own", 85.0),
            "budget": {"to_pay_usd": 85.0, "decided": True, "warned": ["use_case"]},
        }
        assert state([own], own, expected=85.0)["is_warning"]

    def test_the_sentence_states_the_share_with_the_run(self) -> None:
        quiet, loud = state([], expected=1.0), state([ended("a", 60.0)], expected=25.0)
        assert warning_sentences([quiet, loud]) == [
            "Budget of the use case: with this run, 85% of $100.00 for 2026-11 (UTC) is spent or reserved. A run that"
            " would exceed the budget does not start."
        ]


class TestDecision:
    def decide(self, own: HistoryEntry, *others: HistoryEntry, usd: float = 100.0) -> str:
        runs = [*others, own]
        return decide(state(runs, own, own["budget"]["to_pay_usd"], usd), runs, own)

    def test_a_run_that_fits_exactly_starts(self) -> None:
        own = running("own", 40.1, decided=False)
        assert self.decide(own, ended("a", 59.9)) == "granted"

    def test_a_run_above_what_is_left_is_refused(self) -> None:
        assert self.decide(running("own", 40.2, decided=False), ended("a", 59.9)) == "refused"

    def test_what_other_runs_were_granted_is_not_given_again(self) -> None:
        assert self.decide(running("a", 60.0, decided=False), running("b", 60.0)) == "refused"

    def test_of_two_runs_that_ask_at_the_same_time_the_earlier_waits_and_the_later_is_refused(self) -> None:
        first, second = running("a", 60.0, decided=False), running("b", 60.0, decided=False)
        assert (self.decide(first, second), self.decide(second, first)) == ("wait", "refused")

    def test_two_runs_that_both_fit_both_start(self) -> None:
        first, second = running("a", 50.0, decided=False), running("b", 50.0, decided=False)
        assert (self.decide(first, second), self.decide(second, first)) == ("granted", "granted")

    def test_a_later_run_waits_for_the_refusal_of_an_earlier_one_that_is_too_large(self) -> None:
        first, second = running("a", 120.0, decided=False), running("b", 60.0, decided=False)
        assert (self.decide(first, second), self.decide(second, first)) == ("refused", "wait")

    def test_three_runs_are_granted_in_order(self) -> None:
        runs = [running(key, usd, decided=False) for key, usd in (("a", 50.0), ("b", 60.0), ("c", 40.0))]
        assert [self.decide(own, *(run for run in runs if run != own)) for own in runs] == ["wait", "refused", "wait"]

    def test_the_claim_of_a_run_that_has_ended_holds_nobody_up(self) -> None:
        killed: HistoryEntry = {**running("a", 90.0, decided=False, spent=1.0), "state": "failed"}
        assert self.decide(running("own", 60.0, decided=False), killed) == "granted"
        assert undecided_usd([killed]) == 0

    def test_the_sum_of_undecided_claims_leaves_out_the_own_one(self) -> None:
        own = running("own", 5.0, decided=False)
        runs = [own, running("a", 7.0, decided=False), running("b", 11.0), ended("c", 13.0)]
        assert undecided_usd(runs, own) == 7.0


class TestMonth:
    def test_a_month_is_a_calendar_month_in_utc(self) -> None:
        late = datetime.datetime(2026, 12, 1, 0, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
        assert month_start(late) == datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
        assert month_end(late) == datetime.datetime(2026, 12, 1, tzinfo=datetime.UTC)
        assert month_end(DECEMBER) == datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)

    @pytest.mark.parametrize(
        ("created", "month", "now", "hours"),
        [
            pytest.param(MORNING, NOVEMBER, MORNING + datetime.timedelta(hours=5), 5, id="created in the month"),
            pytest.param(MORNING.replace(month=10), NOVEMBER, MORNING, 50, id="created before the month"),
            pytest.param(MORNING.replace(month=10), NOVEMBER, DECEMBER, 720, id="the month is over"),
            pytest.param(DECEMBER, NOVEMBER, DECEMBER, 0, id="created after the month"),
        ],
    )
    def test_only_hours_of_the_month_until_now_count(self, created: Any, month: Any, now: Any, hours: float) -> None:
        assert hours_in_month(created, month, now) == hours


def test_a_budget_covers_a_use_case_or_all_runs_of_an_owner() -> None:
    run = entry("a", NOVEMBER)
    budgets = [MonthBudget(kind, name, 1, "", "") for kind, name in (("use_case", "faq"), ("owner", "ml"))]  # type: ignore[arg-type]
    assert [covers(budget, run) for budget in budgets] == [True, True]
    assert [covers(budget, {**run, "use_case": "x", "owner": "y"}) for budget in budgets] == [False, False]
    assert [covers(budget, {**run, "example": True}) for budget in budgets] == [False, False]


def test_the_most_expensive_runs_come_first_and_free_ones_are_left_out() -> None:
    runs = [ended("a", 1.0), ended("free", 0.0), running("b", 9.0), ended("c", 3.0)]
    assert [run["run_key"] for run in most_expensive(runs, 2)] == ["b", "c"]
    assert len(most_expensive(runs, 9)) == 3


def test_the_log_states_all_amounts() -> None:
    found = budget_state(
        "owner",
        100,
        [ended("a", 10.0), running("b", 20.0)],
        NOVEMBER,
        standing=[StandingCost("faq", "x", 4.0, 1.0)],
        expected_usd=1.25,
    )
    assert state_sentence(found) == (
        "Budget of the owner, 2026-11 (UTC): $14.00 of $100.00 spent, $4.00 of it for standing endpoints, $20.00"
        " reserved for other runs, this run is expected to pay $1.25."
    )
