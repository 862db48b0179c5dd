"""Arrange the report's comparisons and agreement as rows of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict, TypeVar, cast

from include.distill.evaluation.records import ComparisonResult, Finding
from include.distill.report.records import AgreementRow, MatrixFinding, MatrixRow
from include.distill.stats.agreement import MINIMUM_GROUPS, MINIMUM_RATED, Agreement

if TYPE_CHECKING:
    import pandas as pd

CELL_COLUMNS = list(MatrixFinding.__annotations__)
_SEEN_FROM_BASELINE: dict[Finding, Finding] = {"candidate": "baseline", "baseline": "candidate"}
_WORDS: dict[Finding, str] = {
    "candidate": "better",
    "baseline": "worse",
    "unclear": "could be chance",
    "too_few": "sample too small",
    "unreadable": "unreadable verdicts",
}


class ComparedArms(TypedDict):
    """The pair of arms of a comparison. The record is part of other records."""

    candidate: str
    baseline: str


ComparedT = TypeVar("ComparedT", bound=ComparedArms)


def arm_kind(arm: Mapping[str, object]) -> str:
    """Return the kind of an arm in words, such as "fine-tuned"."""
    return "base student, optimized prompt" if arm.get("prompt") else str(arm["kind"]).replace("_", "-")


def arm_matrix(comparisons: Sequence[ComparisonResult]) -> list[MatrixRow]:
    """
    Build the table of every arm against every other arm: one row per arm, with one cell per arm.

    A cell has each judge's finding on the row's arm against the column's arm. The findings are empty if the two arms
    were not compared, and ``None`` if both arms are the same.
    """
    if not comparisons:
        return []
    findings = _findings_of_both_arms(comparisons).groupby(["arm", "against"], sort=False)
    cells = {pair: cast(list[MatrixFinding], group[CELL_COLUMNS].to_dict("records")) for pair, group in findings}
    arms = list(dict.fromkeys(name for c in comparisons for name in (c["candidate"], c["baseline"])))
    return [
        {
            "arm": arm,
            "cells": [
                {"against": other, "findings": None if arm == other else cells.get((arm, other), [])} for other in arms
            ],
        }
        for arm in arms
    ]


def _findings_of_both_arms(comparisons: Sequence[ComparisonResult]) -> pd.DataFrame:
    """Return each comparison in two successive rows: unchanged, and with the arms swapped."""
    import pandas as pd

    ahead = pd.DataFrame(comparisons)[["judge", "candidate", "baseline", "half_win_rate", "finding"]]
    ahead = ahead.rename(columns={"candidate": "arm", "baseline": "against"}).astype({"half_win_rate": float})
    behind = ahead.rename(columns={"arm": "against", "against": "arm"})
    behind["half_win_rate"] = 1 - behind["half_win_rate"]
    behind["finding"] = behind["finding"].replace(_SEEN_FROM_BASELINE)
    table = pd.concat([ahead, behind]).sort_index(kind="stable")
    table["word"] = table["finding"].map(_WORDS)
    # pandas represents a missing rate as NaN, and the page would print that value.
    table["half_win_rate"] = table["half_win_rate"].astype(object).where(table["half_win_rate"].notna(), None)
    return table


def headline_comparisons(comparisons: Sequence[ComparedT]) -> list[ComparedT]:
    """Return the comparisons of the first pair of arms. The verdict is based on these comparisons."""
    if not comparisons:
        return []
    pair = (comparisons[0]["candidate"], comparisons[0]["baseline"])
    return [comparison for comparison in comparisons if (comparison["candidate"], comparison["baseline"]) == pair]


def detectable_difference_sentence(comparisons: Sequence[ComparisonResult]) -> str | None:
    """
    Say how large a difference must be for a run of this size (questions and document groups) to detect it.

    :return: ``None`` if no comparison has at least two document groups with a parsed verdict.
    """
    pair = headline_comparisons(comparisons)
    sizes = [c["minimum_detectable_difference"] for c in pair if c["minimum_detectable_difference"] is not None]
    if not sizes:
        return None
    questions, groups = min(c["n"] for c in pair), min(c["clusters"] for c in pair)
    return (
        f"With {questions:,} questions in {groups:,} document groups, a run finds a difference four times out of five"
        f" if the true half-win rate (a win counts 1, a tie ½, a loss 0) is below {0.5 - max(sizes):.0%} or above"
        f" {0.5 + max(sizes):.0%}. It may miss smaller differences."
    )


def agreement_rows(lines: Sequence[Agreement]) -> list[AgreementRow]:
    """
    Return the pairs of raters that rated at least one item in common.

    If kappa is not shown for a pair, ``too_few`` gives the reason; otherwise it is empty.
    """
    return [{**line, "too_few": _too_few(line)} for line in lines if line["n"]]


def agreement_sentence(row: AgreementRow) -> str:
    """Describe one line of the agreement table for a task log."""
    kappa = "undefined" if row["kappa"] is None else f"{row['kappa']:.2f}"
    text = row["too_few"] or f"kappa {kappa} on {row['n']} questions"
    return f"{row['first']} and {row['second']}: {text}"


def _too_few(line: Agreement) -> str:
    if line["n"] < MINIMUM_RATED:
        return f"too few {'labels' if is_person(line['second']) else 'questions'} ({line['n']})"
    documents = line.get("clusters")  # absent from reports of earlier versions
    return "" if documents is None or documents >= MINIMUM_GROUPS else f"too few documents ({documents})"


def is_person(rater: str) -> bool:
    """
    Return whether a rater of the agreement table is a person and not a judge.

    If a line compares a judge with a person, the person is the line's ``second`` rater.
    """
    return rater.endswith(" (person)")
