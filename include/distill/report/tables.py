"""The report's tables, as rows to be shown: every arm against every other, and how far opinions agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from include.distill.stats.agreement import MINIMUM_GROUPS, MINIMUM_RATED

ComparisonRow = Mapping[str, Any]

_SEEN_FROM_BASELINE = {"candidate": "baseline", "baseline": "candidate"}
_WORDS = {
    "candidate": "better",
    "baseline": "worse",
    "unclear": "could be chance",
    "too_few": "too few questions",
    "unreadable": "judge unreadable",
}


def arm_matrix(comparisons: Sequence[ComparisonRow]) -> list[dict[str, Any]]:
    """
    Return one row per arm with a cell per arm: what each judge found of the row's arm against the column's.

    A cell is a list of ``{"judge", "half_win_rate", "finding", "word"}``, seen from the row; empty where the two were
    not compared, ``None`` where an arm meets itself.
    """
    arms = list(dict.fromkeys(name for c in comparisons for name in (c["candidate"], c["baseline"])))
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for comparison in comparisons:
        ahead, behind = comparison["candidate"], comparison["baseline"]
        cells.setdefault((ahead, behind), []).append(_cell(comparison))
        cells.setdefault((behind, ahead), []).append(_mirrored(_cell(comparison)))
    return [
        {"arm": row, "cells": [{"against": column, "found": _found(cells, row, column)} for column in arms]}
        for row in arms
    ]


def _found(cells: Mapping[tuple[str, str], list[dict[str, Any]]], row: str, column: str) -> list[dict[str, Any]] | None:
    return None if row == column else cells.get((row, column), [])


def _cell(comparison: ComparisonRow) -> dict[str, Any]:
    finding = comparison["finding"]
    return {
        "judge": comparison["judge"],
        "half_win_rate": comparison["half_win_rate"],
        "finding": finding,
        "word": _WORDS[finding],
    }


def _mirrored(cell: Mapping[str, Any]) -> dict[str, Any]:
    rate, finding = cell["half_win_rate"], _SEEN_FROM_BASELINE.get(cell["finding"], cell["finding"])
    return {**cell, "half_win_rate": None if rate is None else 1 - rate, "finding": finding, "word": _WORDS[finding]}


def headline_comparisons(comparisons: Sequence[ComparisonRow]) -> list[ComparisonRow]:
    """Return the comparisons of the first pair of arms: those that the verdict rests on."""
    if not comparisons:
        return []
    names = (comparisons[0]["candidate"], comparisons[0]["baseline"])
    return [comparison for comparison in comparisons if (comparison["candidate"], comparison["baseline"]) == names]


def detectable_difference_sentence(comparisons: Sequence[ComparisonRow]) -> str | None:
    """Say in one sentence what the verdict's figures could and could not have found; ``None`` without any."""
    pair = headline_comparisons(comparisons)
    sizes = [c["minimum_detectable_difference"] for c in pair if c["minimum_detectable_difference"] is not None]
    if not sizes:
        return None
    questions, documents = min(c["n"] for c in pair), min(c["clusters"] for c in pair)
    return (
        f"{questions:,} questions about {documents:,} documents find a half-win rate beyond"
        f" {0.5 - max(sizes):.0%} to {0.5 + max(sizes):.0%} four times out of five; smaller differences may be missed."
    )


def agreement_rows(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the raters who met; ``too_few`` says why a kappa of theirs would say nothing, or is empty."""
    return [{**line, "too_few": _too_few_to_tell(line)} for line in lines if line["n"]]


def _too_few_to_tell(line: Mapping[str, Any]) -> str:
    if line["n"] < MINIMUM_RATED:
        return f"too few {'labels' if is_person(line['second']) else 'questions'} to tell ({line['n']})"
    documents = line.get("clusters")  # a report of an earlier version does not say
    return "" if documents is None or documents >= MINIMUM_GROUPS else f"too few documents to tell ({documents})"


def is_person(rater: str) -> bool:
    """Return whether a rater of the agreement table is a person; people come after the judges."""
    return rater.endswith(" (person)")
