"""Return the figures of a run as samples of metrics. Each function takes what one task knows."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import get_args

from include.distill.core.metrics import (
    BUDGET_USD,
    BUDGET_USED_USD,
    COST_USD,
    DRIFT,
    ENDPOINT_SECONDS,
    ESTIMATED_USD,
    HALF_WIN_HIGH,
    HALF_WIN_LOW,
    HALF_WIN_RATE,
    PAIRS,
    PAIRS_DROPPED,
    PROMOTIONS,
    PURCHASES,
    ROWS,
    ROWS_REJECTED,
    RUN_SECONDS,
    RUNS,
    SPEND_CAP_USD,
    Sample,
)
from include.distill.cost.records import BudgetState, EstimateManifest, ReleaseManifest
from include.distill.curation.records import CurateManifest
from include.distill.dataset.records import RowRejectionReason, SourceCounts
from include.distill.history.records import HistoryEntry, JudgedRate, Measure, SpendingKind


def estimate_samples(use_case: str, estimate: EstimateManifest) -> Iterator[Sample]:
    """Yield the estimate and the spend cap."""
    yield Sample(ESTIMATED_USD, estimate["estimated_usd"], {"use_case": use_case})
    yield Sample(SPEND_CAP_USD, estimate["max_spend_usd"], {"use_case": use_case})


def budget_samples(use_case: str, states: Iterable[BudgetState]) -> Iterator[Sample]:
    """Yield each monthly budget that applies to a run, and what is used of it without this run."""
    for state in states:
        tags = {"use_case": use_case, "kind": state["kind"]}
        yield Sample(BUDGET_USD, state["month_usd"], tags)
        yield Sample(BUDGET_USED_USD, state["spent_usd"] + state["reserved_usd"], tags)


def row_samples(use_case: str, counts: SourceCounts) -> Iterator[Sample]:
    """Yield the rows by side, and the rejected rows by reason. Reasons without a row have the value 0."""
    parts = {"training": counts["train"], "evaluation": counts["evaluation"], "rejected": counts["rejected"]}
    for part, rows in parts.items():
        yield Sample(ROWS, rows, {"use_case": use_case, "part": part})
    for reason in get_args(RowRejectionReason):
        yield Sample(ROWS_REJECTED, counts["reasons"].get(reason, 0), {"use_case": use_case, "reason": reason})


def pair_samples(use_case: str, counts: CurateManifest, filters: Collection[str]) -> Iterator[Sample]:
    """
    Yield the pairs by result, and the rejected pairs by filter. Filters that dropped no pair have the value 0.

    :param filters: the names of all filters.
    """
    results = {"accepted": counts["accepted"], "rejected": counts["rejected"], "missing": counts["missing"]}
    for result, pairs in results.items():
        yield Sample(PAIRS, pairs, {"use_case": use_case, "result": result})
    for name in sorted({*filters, *counts["dropped"]}):
        yield Sample(PAIRS_DROPPED, counts["dropped"].get(name, 0), {"use_case": use_case, "filter": name})


def endpoint_samples(use_case: str, arm: str, released: ReleaseManifest) -> Iterator[Sample]:
    """Yield the seconds for which the provisioned throughput of an arm was billed."""
    yield Sample(ENDPOINT_SECONDS, released["unit_hours"] * 3600, {"use_case": use_case, "arm": arm})


def purchase_samples(use_case: str, kind: str, number: int) -> Iterator[Sample]:
    """Yield the number of jobs or endpoints that this attempt of a task has bought."""
    yield Sample(PURCHASES, number, {"use_case": use_case, "kind": kind})


def promotion_samples(use_case: str) -> Iterator[Sample]:
    """Yield one new champion."""
    yield Sample(PROMOTIONS, 1, {"use_case": use_case})


def entry_samples(entry: HistoryEntry) -> Iterator[Sample]:
    """
    Yield what the history knows about a run: the bill by kind, the judges' half-win rates, and the drift.

    The bill is yielded once it is known. Kinds that cost nothing have the value 0.
    """
    use_case = entry["use_case"]
    if entry["spent_usd"] is not None:
        for kind in get_args(SpendingKind):
            yield Sample(COST_USD, entry["spent_by_kind"].get(kind, 0.0), {"use_case": use_case, "kind": kind})
    for rate in entry.get("judges", ()):
        arms = {"candidate": entry.get("candidate", ""), "baseline": entry.get("baseline", "")}
        yield from _rate_samples(rate, {"use_case": use_case, "judge": rate["judge"], **arms})
    if "drift" in entry:
        flagged = {drift["measure"] for drift in entry["drift"]}
        for measure in get_args(Measure):
            yield Sample(DRIFT, float(measure in flagged), {"use_case": use_case, "measure": measure})


def _rate_samples(rate: JudgedRate, tags: Mapping[str, str]) -> Iterator[Sample]:
    if rate["half_win_rate"] is not None:
        yield Sample(HALF_WIN_RATE, rate["half_win_rate"], tags)
    if rate["half_win_ci95"] is not None:
        low, high = rate["half_win_ci95"]
        yield Sample(HALF_WIN_LOW, low, tags)
        yield Sample(HALF_WIN_HIGH, high, tags)


def run_samples(use_case: str, *, succeeded: bool, started: datetime.datetime) -> Iterator[Sample]:
    """
    Yield one run that has ended, and its duration.

    :param started: when the run started.
    """
    tags = {"use_case": use_case, "state": "succeeded" if succeeded else "failed"}
    yield Sample(RUNS, 1, tags)
    yield Sample(RUN_SECONDS, (datetime.datetime.now(datetime.UTC) - started).total_seconds(), tags)
