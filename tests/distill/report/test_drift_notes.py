"""Test how changes since the nights before are described."""

from __future__ import annotations

import pytest

from include.distill.drift.measures import MEASURES
from include.distill.history.records import Drift, Measure
from include.distill.report.drift_notes import drift_rows, drift_sentence, drift_summary, measure_text

LOWER: Drift = {
    "measure": "half_win_rate", "value": 0.41, "expected": 0.56, "low": 0.47, "high": 0.66, "runs": 28
}  # fmt: skip
DEARER: Drift = {
    "measure": "usd_per_pair", "value": 0.0052, "expected": 0.004, "low": 0.0031, "high": 0.0049, "runs": 14
}  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        ("half_win_rate", 0.41, "41.0%"),
        ("accepted_share", 1.0, "100.0%"),
        ("usd_per_pair", 0.0052, "$0.0052"),
        ("document_characters", 12345.6, "12,346 characters"),
        ("rejected_row_share", 0.004, "0.4%"),
    ],
)
def test_a_value_has_its_unit(measure: Measure, value: float, text: str) -> None:
    assert measure_text(measure, value) == text


def test_a_sentence_says_what_was_expected_and_what_chance_explains() -> None:
    assert drift_sentence(LOWER) == (
        "The half-win rate is 41.0%. From 28 earlier nights, 56.0% was expected, and chance explains 47.0% to 66.0%."
    )


def test_the_summary_names_every_measure_and_its_direction() -> None:
    assert drift_summary([LOWER, DEARER]) == (
        "Changed beyond chance since the nights before: half-win rate (41.0%, lower than expected), cost per new pair"
        " ($0.0052, higher than expected)."
    )
    assert drift_summary([]) is None


def test_every_measure_has_a_name_and_a_next_step() -> None:
    rows = drift_rows([{**LOWER, "measure": measure} for measure in MEASURES])
    assert len({row["name"] for row in rows}) == len({row["next_step"] for row in rows}) == 5
    assert all(row["next_step"].endswith(".") for row in rows)
