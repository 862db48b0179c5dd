"""Add up what the runs of a use case have spent: by kind of cost, and by month."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from include.distill.config.history_layout import month_name
from include.distill.core.records import BillLineRecord
from include.distill.history.months import run_order
from include.distill.history.records import HistoryEntry, SpendingKind

# The beginnings of the names of bill lines. Every other line is "other": the calls of an incomplete run, whose stored
# answers do not say which step asked for them, calls without an answer, and batch jobs that are not collected yet.
_KINDS: tuple[tuple[str, SpendingKind], ...] = (
    ("synthesis", "teacher"),
    ("teacher", "teacher"),  # the teacher that Bedrock asks during a distillation job
    ("critic", "critic"),
    ("training", "training"),
    ("answers", "answers"),
    ("judging", "judges"),
    ("scores", "evaluations"),
    ("labels", "evaluations"),  # human workers, who answer in an evaluation job
    ("prompt optimization", "prompt_optimization"),
    ("throughput", "endpoints"),
    ("smoke prompts", "endpoints"),  # the test of the standing endpoint
)


@dataclass(frozen=True)
class MonthSpending:
    """
    What runs have spent in one month, in US dollars.

    A run belongs to the month, in UTC, in which it was due to start.

    :ivar month: the month, such as ``2026-11``.
    :ivar spent_usd: the bills of the runs that have ended.
    :ivar reserved_usd: for the other runs, and for ended runs whose bill is not known, what they claimed of a monthly
        budget, in addition to what they have spent. Without a claim, it is the estimate of the full price. If such a
        run has already spent more than its estimate, what it has spent counts.
    :ivar runs: the runs of the month, oldest first.
    """

    month: str
    spent_usd: float
    reserved_usd: float
    runs: tuple[HistoryEntry, ...]


def kind_of_line(line: BillLineRecord) -> SpendingKind:
    """Return what a bill line paid for."""
    step = line["what"].partition(":")[0]
    return next((kind for start, kind in _KINDS if f"{step} ".startswith(f"{start} ")), "other")


def spent_by_kind(lines: Iterable[BillLineRecord]) -> dict[str, float]:
    """Return the sum of the lines of each kind, in US dollars. Kinds that cost nothing are absent."""
    sums: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        sums[kind_of_line(line)] += line["usd"]
    return {kind: round(usd, 4) for kind, usd in sums.items() if usd}


def is_reserved(run: HistoryEntry) -> bool:
    """Return whether a run counts with its estimate, because it has not ended or its bill is not known."""
    return run["state"] == "running" or run["spent_usd"] is None


def counted_usd(run: HistoryEntry) -> float:
    """Return the amount with which a run counts in its month: its bill, or what is reserved for it."""
    spent = run["spent_usd"] or 0.0
    if is_reserved(run) and (claim := run.get("budget")):
        return spent + claim["to_pay_usd"]
    return max(spent, run["estimated_usd"] or 0.0) if is_reserved(run) else spent


def month_spending(runs: Sequence[HistoryEntry], month: datetime.datetime) -> MonthSpending:
    """
    Return what the runs of one month have spent.

    :param runs: runs of any months, and of any use cases.
    :param month: any time in the month.
    """
    name = month_name(month)
    chosen = sorted(
        (run for run in runs if month_name(datetime.datetime.fromisoformat(run["started_at"])) == name),
        key=run_order,
    )
    return MonthSpending(
        name,
        round(sum(counted_usd(run) for run in chosen if not is_reserved(run)), 4),
        round(sum(counted_usd(run) for run in chosen if is_reserved(run)), 4),
        tuple(chosen),
    )
