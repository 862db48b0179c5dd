"""Describe a run that would exceed a monthly budget: what is left, what used up the budget, and how to go on."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence

from include.distill.config.budgets import MonthBudget
from include.distill.core.errors import BudgetExceededError
from include.distill.cost.amounts import usd_text
from include.distill.cost.month_budget import StandingCost, month_end, most_expensive
from include.distill.cost.records import BudgetState
from include.distill.history.records import HistoryEntry
from include.distill.history.spending import counted_usd, is_reserved

_SHOWN = 5


def over_budget_error(
    budget: MonthBudget,
    state: BudgetState,
    runs: Sequence[HistoryEntry],
    standing: Sequence[StandingCost],
    month: datetime.datetime,
    *,
    then_clear: str,
    is_estimated: bool,
) -> BudgetExceededError:
    """
    Return the error for a run that would exceed a monthly budget.

    :param runs: the runs of the month that the budget covers, without the run that is refused.
    :param month: any time in the month.
    :param then_clear: what to clear once the budget is larger or less of it is reserved.
    :param is_estimated: whether the run's cost is known. Before the estimate, a run is refused if nothing is left.
    """
    left = max(0.0, state["left_usd"])
    problem = (
        f"This run is expected to pay {usd_text(state['expected_usd'])}, but {usd_text(left)} is left"
        if is_estimated
        else "Nothing is left"
    )
    return BudgetExceededError(
        f"{problem} of the budget of {budget.whose} for {month:%B %Y} (UTC): {usd_text(budget.month_usd)}, set by"
        f" {budget.key} in {budget.file}. {_used(state)} {_largest(runs)}",
        left="The rows and the estimate are stored." if is_estimated else "The run stored nothing.",
        billed=f"Nothing was bought.{_standing(standing)}",
        to_do=_to_do(budget, state, month, then_clear, is_estimated=is_estimated),
    )


def _used(state: BudgetState) -> str:
    standing = state["standing_usd"]
    of_it = f", {usd_text(standing)} of it for standing endpoints" if standing else ""
    over = f" That is {usd_text(-state['left_usd'])} more than the budget." if state["left_usd"] < 0 else ""
    return (
        f"Spent: {usd_text(state['spent_usd'])}{of_it}. Reserved for runs in progress, and for runs whose bill is not"
        f" known: {usd_text(state['reserved_usd'])}.{over}"
    )


def _largest(runs: Sequence[HistoryEntry]) -> str:
    largest = most_expensive(runs, _SHOWN)
    if not largest:
        return "No other run of the month has cost anything."
    more = sum(counted_usd(run) > 0 for run in runs) - len(largest)
    others = f" Number of further runs: {more}." if more else ""
    return f"The most expensive runs: {'; '.join(map(_run, largest))}.{others}"


def _run(run: HistoryEntry) -> str:
    reserved = ", reserved" if is_reserved(run) else ""
    return f"{run['dag_id']} {run['run_id']} ({usd_text(counted_usd(run))}, {run['state']}{reserved})"


def _standing(standing: Sequence[StandingCost]) -> str:
    return "".join(
        f" The standing endpoint {cost.name} of use case {cost.use_case} is billed {usd_text(cost.usd_per_hour)} per"
        " hour until a person deletes it."
        for cost in standing
    )


def _to_do(
    budget: MonthBudget, state: BudgetState, month: datetime.datetime, then_clear: str, *, is_estimated: bool
) -> str:
    needed = math.ceil(round(100 * (state["month_usd"] - state["left_usd"] + state["expected_usd"]), 4)) / 100
    enough = f"to at least {usd_text(needed)}" if is_estimated else f"above {usd_text(needed)}"
    reserved = (
        f" If runs in progress end for less than was reserved for them, clear {then_clear} once they have ended."
        if state["reserved_usd"]
        else ""
    )
    smaller = " Or trigger a new run with fewer documents, evaluation rows or pairs." if is_estimated else ""
    return (
        f"Raise {budget.key} in {budget.file} {enough}, then clear {then_clear}.{reserved}{smaller} Or trigger a new"
        f" run after the month has ended, at {month_end(month):%Y-%m-%d %H:%M} UTC. Clearing this run does not move it"
        " to the next month."
    )
