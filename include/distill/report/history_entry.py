"""Add the results of a run, as its report states them, to the run's record in the history of its use case."""

from __future__ import annotations

from collections.abc import Iterable

from include.distill.core.records import BillLineRecord
from include.distill.curation.records import CriticCounts
from include.distill.evaluation.champion import Champion
from include.distill.evaluation.records import ComparisonResult
from include.distill.history.records import CallFigures, HistoryEntry, JudgedRate, PairFigures, RowFigures
from include.distill.history.spending import spent_by_kind
from include.distill.inference.records import UsageRecord
from include.distill.report.records import Report
from include.distill.report.stored_report import bill_of
from include.distill.report.verdict_sentence import verdict_parts


def with_results(run: HistoryEntry, report: Report, calls: CallFigures) -> HistoryEntry:
    """
    Return the record of a run with the results in its report.

    The labels of people are not part of the record, so a report that is written again with labels does not change it.

    :param calls: the calls that the run paid for; see :func:`call_figures`.
    """
    results: HistoryEntry = {
        **run,
        "estimated_usd": report["cost"]["estimated_usd"] or run["estimated_usd"],  # 0 if it could not be read
        "simulated": report["simulated"],
        "claim": verdict_parts(report["comparisons"], report.get("judges", ()), report["arms"])[0],
        "rows": _row_figures(report),
        "calls": calls,
    }
    if report["comparisons"]:
        first = report["comparisons"][0]  # the pair of arms in the report's verdict comes first
        candidate, baseline = first["candidate"], first["baseline"]
        results["candidate"], results["baseline"] = candidate, baseline
        results["judges"] = [
            _judged_rate(comparison)
            for comparison in report["comparisons"]
            if (comparison["candidate"], comparison["baseline"]) == (candidate, baseline)
        ]
        results["training_loss"] = next(
            (arm["training_loss"] for arm in report["arms"] if arm["name"] == candidate), None
        )
    if report["synthesis"]["requested"]:
        results["pairs"] = _pair_figures(report)
    bill = bill_of(report)
    return results if bill is None else with_bill(results, bill)


def with_bill(run: HistoryEntry, lines: Iterable[BillLineRecord]) -> HistoryEntry:
    """
    Return the record of a run with a bill, unless the stored bill is higher.

    A bill from the results of tasks lacks what an earlier attempt paid for and no task uses any more, for example
    because the settings have changed since. So what is recorded once as spent is never forgotten.
    """
    billed = list(lines)
    total = bill_total(billed)
    if run["spent_usd"] is not None and run["spent_usd"] > total:
        return run
    return {**run, "spent_usd": total, "spent_by_kind": spent_by_kind(billed)}


def bill_total(lines: Iterable[BillLineRecord]) -> float:
    """Return the total of a bill, in US dollars."""
    return round(sum(line["usd"] for line in lines), 4)


def with_champion(run: HistoryEntry, champion: Champion | None) -> HistoryEntry:
    """Return the record of a run with the champion that it found, unless the run itself has promoted a champion."""
    if "promoted" in run:
        return run
    return {**run, "champion_model_arn": champion.model_arn if champion else None}


def call_figures(manifests: Iterable[UsageRecord], critics: Iterable[CriticCounts | None]) -> CallFigures:
    """
    Add up the calls of a run.

    :param manifests: the results of the tasks that call the teacher, the arms' models and the judges.
    :param critics: the counts of the critic, which are not part of the teacher's.
    """
    totals: CallFigures = {"calls": 0, "stored": 0, "input_tokens": 0, "output_tokens": 0}
    for usage in (*manifests, *(critic for critic in critics if critic)):
        totals["calls"] += usage["calls"]
        totals["stored"] += usage["cache_hits"]
        totals["input_tokens"] += usage["input_tokens"]
        totals["output_tokens"] += usage["output_tokens"]
    return totals


def _judged_rate(comparison: ComparisonResult) -> JudgedRate:
    return {
        "judge": comparison["judge"],
        "half_win_rate": comparison["half_win_rate"],
        "half_win_ci95": comparison["half_win_ci95"],
        "questions": comparison["n"] - comparison["unparsable"],
    }


def _row_figures(report: Report) -> RowFigures:
    source = report["source"]
    return {
        "read": source["rows"],
        "accepted": source["accepted"],
        "rejected": source["rejected"],
        "training": source["train"],
        "evaluation": source["evaluation"],
        "documents": source["split"]["documents"] if "split" in source else None,
        "mean_document_characters": source.get("mean_document_characters"),
    }


def _pair_figures(report: Report) -> PairFigures:
    pairs = report["synthesis"]
    return {
        "requested": pairs["requested"],
        "accepted": pairs["accepted"],
        "rejected": pairs["rejected"],
        "missing": pairs["missing"],
        "dropped": dict(pairs["dropped"]),
    }
