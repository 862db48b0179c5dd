"""Describe measures that have changed since the nights before, for the report, its page and messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict

from include.distill.cost.amounts import usd_text
from include.distill.history.records import Drift, Measure

MEASURE_NAMES: dict[Measure, str] = {
    "half_win_rate": "half-win rate",
    "accepted_share": "accepted share of the new pairs",
    "usd_per_pair": "cost per new pair",
    "document_characters": "mean length of a document",
    "rejected_row_share": "share of rejected rows",
}
# What to look at first.
_NEXT_STEPS: dict[Measure, str] = {
    "half_win_rate": "Read the disagreements and the losses of training.",
    "accepted_share": "Read which filters dropped more pairs, and the rejected pairs in the run's folder.",
    "usd_per_pair": "Compare the tokens in the bill with those of an earlier night.",
    "document_characters": "Look at the rows that were added.",
    "rejected_row_share": "Read why rows were rejected.",
}


class DriftRow(TypedDict):
    """One row of the table of changes on the report's page. The record is not stored."""

    name: str
    value: str
    expected: str
    by_chance: str
    nights: int
    direction: str  # "higher" or "lower"
    next_step: str


def measure_text(measure: Measure, value: float) -> str:
    """Format a value of a measure with its unit."""
    if measure == "usd_per_pair":
        return usd_text(value) if value >= 1 else f"${value:.4f}"  # a pair costs less than a cent
    return f"{value:,.0f} characters" if measure == "document_characters" else f"{value:.1%}"


def drift_rows(changes: Iterable[Drift]) -> list[DriftRow]:
    """Return the changes as rows of a table."""
    return [_row(change) for change in changes]


def drift_sentence(change: Drift) -> str:
    """Describe a change in one sentence that says what was expected."""
    row = _row(change)
    return (
        f"The {row['name']} is {row['value']}. From {row['nights']} earlier nights, {row['expected']} was expected, and"
        f" chance explains {row['by_chance']}."
    )


def drift_summary(changes: Sequence[Drift]) -> str | None:
    """Name the measures that have changed, in one sentence; ``None`` if there are no changes."""
    if not changes:
        return None
    parts = [f"{row['name']} ({row['value']}, {row['direction']} than expected)" for row in map(_row, changes)]
    return f"Changed beyond chance since the nights before: {', '.join(parts)}."


def _row(change: Drift) -> DriftRow:
    measure = change["measure"]
    low, high = measure_text(measure, change["low"]), measure_text(measure, change["high"])
    return {
        "name": MEASURE_NAMES[measure],
        "value": measure_text(measure, change["value"]),
        "expected": measure_text(measure, change["expected"]),
        "by_chance": f"{low} to {high}",
        "nights": change["runs"],
        "direction": "higher" if change["value"] > change["expected"] else "lower",
        "next_step": _NEXT_STEPS[measure],
    }
