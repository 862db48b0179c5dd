"""
Compare a monthly budget with what runs and standing endpoints have cost, and decide whether a run may start.

Runs may start at the same time, and S3 cannot lock the histories of several use cases. So each run first writes its
claim into its history, and then reads the claims of all runs. Of two runs that start at the same time, at least the one
that writes last sees the claim of the other. A run starts only if the claims of all runs fit. So two runs never start
together if only one of them fits. If both wait for each other, the run that was due first goes first.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from include.distill.config.budgets import MonthBudget
from include.distill.core.records import BudgetKind
from include.distill.cost.amounts import usd_text
from include.distill.cost.records import BudgetState
from include.distill.history.records import HistoryEntry
from include.distill.history.spending import counted_usd, is_reserved, month_spending

# When this share of a budget is used, the first run that notices it says so.
WARNING_SHARE = 0.8
_ROUNDING = 1e-6

# Whether a run may start. ``wait`` means that the claim of another run is in the way, which will be decided soon.
Decision = Literal["granted", "refused", "wait"]


@dataclass(frozen=True)
class StandingCost:
    """What a standing endpoint that is billed by the hour has cost in a month until now, in US dollars."""

    use_case: str
    name: str
    usd: float
    usd_per_hour: float


def month_start(time: datetime.datetime) -> datetime.datetime:
    """Return the first moment of a month, in UTC."""
    return time.astimezone(datetime.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_end(time: datetime.datetime) -> datetime.datetime:
    """Return the first moment of the next month, in UTC."""
    return month_start(month_start(time) + datetime.timedelta(days=32))


def hours_in_month(created: datetime.datetime, month: datetime.datetime, now: datetime.datetime) -> float:
    """Return for how many hours of a month something has existed until now."""
    begin, end = max(created, month_start(month)), min(now, month_end(month))
    return max(0.0, (end - begin).total_seconds() / 3600)


def is_same_run(run: HistoryEntry, other: HistoryEntry | None) -> bool:
    """Return whether two records are of the same run; ``False`` without the second record."""
    return other is not None and (run["use_case"], run["run_key"]) == (other["use_case"], other["run_key"])


def budget_state(
    kind: BudgetKind,
    month_usd: float,
    runs: Sequence[HistoryEntry],
    month: datetime.datetime,
    *,
    standing: Iterable[StandingCost] = (),
    own: HistoryEntry | None = None,
    expected_usd: float = 0.0,
) -> BudgetState:
    """
    Return how much of a budget is used.

    :param runs: runs of any months that the budget covers.
    :param month: any time in the month.
    :param standing: the standing endpoints that the budget covers.
    :param own: the record of the run that asks. Only what it has spent already counts, not what it has reserved.
    :param expected_usd: what this run is expected to pay from now on.
    """
    others = [run for run in runs if not is_same_run(run, own)]
    spending = month_spending(others, month)
    standing_usd = sum(cost.usd for cost in standing)
    own_usd = (own["spent_usd"] or 0.0) if own else 0.0
    spent = spending.spent_usd + standing_usd + own_usd
    share = (spent + spending.reserved_usd) / month_usd
    with_this_run = share + expected_usd / month_usd
    warned = any(kind in claim["warned"] for run in spending.runs if (claim := run.get("budget")))
    return {
        "kind": kind,
        "month": spending.month,
        "month_usd": month_usd,
        "spent_usd": round(spent, 4),
        "standing_usd": round(standing_usd, 4),
        "reserved_usd": spending.reserved_usd,
        "left_usd": round(month_usd - spent - spending.reserved_usd, 4),
        "share": round(share, 4),
        "expected_usd": expected_usd,
        "is_warning": with_this_run >= WARNING_SHARE and not warned,
    }


def decide(state: BudgetState, runs: Sequence[HistoryEntry], own: HistoryEntry) -> Decision:
    """
    Return whether the run ``own`` may start, after its claim was written.

    The claims that are not decided yet are counted in the order in which their runs were due to start. A claim that
    does not fit by then will be refused, so it is not counted.

    :param state: the budget, without the claim of the run.
    :param runs: the runs of the month that the budget covers, read after the claim was written.
    """
    expected = state["expected_usd"]
    if expected <= state["left_usd"] + _ROUNDING:
        return "granted"
    left = state["left_usd"] + undecided_usd(runs, own)
    for run in sorted(_undecided(runs, own), key=_order):
        if _order(run) < _order(own) and _asked_usd(run) <= left + _ROUNDING:
            left -= _asked_usd(run)
    return "wait" if expected <= left + _ROUNDING else "refused"


def undecided_usd(runs: Iterable[HistoryEntry], own: HistoryEntry | None = None) -> float:
    """Return the sum of the claims that are not decided yet, without the claim of the run ``own``."""
    return sum(map(_asked_usd, _undecided(runs, own)))


def _undecided(runs: Iterable[HistoryEntry], own: HistoryEntry | None) -> list[HistoryEntry]:
    return [run for run in runs if is_reserved(run) and _asked_usd(run) and not is_same_run(run, own)]


def _asked_usd(run: HistoryEntry) -> float:
    """Return what a run claims, if its claim is not decided yet; otherwise 0."""
    claim = run.get("budget")
    return claim["to_pay_usd"] if claim and not claim["decided"] else 0.0


def _order(run: HistoryEntry) -> tuple[str, str, str]:
    return run["started_at"], run["use_case"], run["run_key"]


def most_expensive(runs: Iterable[HistoryEntry], count: int) -> list[HistoryEntry]:
    """Return the runs that use up most of a budget, most expensive first, without runs that cost nothing."""
    paid = [run for run in runs if counted_usd(run) > 0]
    return sorted(paid, key=counted_usd, reverse=True)[:count]


def state_sentence(state: BudgetState) -> str:
    """Describe how much of a budget is used, in one sentence."""
    standing = f", {usd_text(state['standing_usd'])} of it for standing endpoints" if state["standing_usd"] else ""
    return (
        f"{_whose(state)}, {state['month']} (UTC): {usd_text(state['spent_usd'])} of {usd_text(state['month_usd'])}"
        f" spent{standing}, {usd_text(state['reserved_usd'])} reserved for other runs, this run is expected to pay"
        f" {usd_text(state['expected_usd'])}."
    )


def warning_sentences(states: Iterable[BudgetState]) -> list[str]:
    """Return a sentence for each budget of which this run is the first to use up most, for the log and messages."""
    return [
        f"{_whose(state)}: with this run, {100 * (state['share'] + state['expected_usd'] / state['month_usd']):.0f}% of"
        f" {usd_text(state['month_usd'])} for {state['month']} (UTC) is spent or reserved. A run that would exceed the"
        " budget does not start."
        for state in states
        if state["is_warning"]
    ]


def _whose(state: BudgetState) -> str:
    return "Budget of the use case" if state["kind"] == "use_case" else "Budget of the owner"


def is_counted(run: HistoryEntry) -> bool:
    """Return whether a run counts in budgets. The nights of ``make nights`` do not, because nobody paid for them."""
    return not run.get("example", False)


def covers(budget: MonthBudget, run: HistoryEntry) -> bool:
    """Return whether a run counts in a budget. It counts for the owner that the use case had when the run started."""
    return is_counted(run) and (run["use_case"] if budget.kind == "use_case" else run["owner"]) == budget.name
