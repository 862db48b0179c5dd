"""Test the words and numbers of the report's section about evaluation jobs."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.report.evaluation_tables import (
    metric_name,
    number,
    partial_sentence,
    rating_lists,
    score_range,
    small_sample_sentence,
)
from tests.distill.report.example_scores import evaluations

CORRECTNESS, HARM, GROUNDED = evaluations()["metrics"]


def test_names_have_no_prefix_and_say_if_a_high_score_is_bad() -> None:
    assert [metric_name(metric) for metric in (CORRECTNESS, HARM, GROUNDED)] == [
        "Correctness",
        "Harmfulness (lower is better)",
        "grounded",
    ]


@pytest.mark.parametrize(
    ("score", "plain", "signed"),
    [(0.756, "0.76", "+0.76"), (-0.5, "−0.50", "−0.50"), (-0.001, "0.00", "0.00"), (0, "0.00", "0.00")],
)
def test_a_number_has_two_decimals_and_zero_has_no_sign(score: float, plain: str, signed: str) -> None:
    assert (number(score), number(score, signed=True)) == (plain, signed)


def test_a_missing_number_is_a_dash() -> None:
    assert number(None) == number(None, signed=True) == "–"


def test_a_scale_is_shown_by_its_ends_and_a_custom_one_by_its_ratings() -> None:
    assert [score_range(metric) for metric in (CORRECTNESS, GROUNDED)] == ["0 to 1", "−1 to 5"]
    assert rating_lists([CORRECTNESS, GROUNDED]) == [
        ("grounded", "1: nothing is in the document; 5: everything is in the document")
    ]


@pytest.mark.parametrize(
    ("questions", "rows", "sentence"),
    [
        (100, 100, ""),
        (1000, 1343, "Only the first 1,000 of 1,343 evaluation questions were scored."),
        (1, 2, "Only the first 1 of 2 evaluation questions was scored."),
    ],
)
def test_the_report_says_if_only_the_first_questions_were_scored(questions: int, rows: int, sentence: str) -> None:
    part: Any = evaluations(questions=questions, evaluation_rows=rows)
    assert partial_sentence(part) == sentence


@pytest.mark.parametrize("change", [{"n": 99}, {"clusters": 39}, {"largest_cluster_share": 0.11}], ids=str)
def test_a_small_or_uneven_sample_is_mentioned(change: dict[str, Any]) -> None:
    (entry,) = [{**evaluations()["scores"][2], "n": 100, "clusters": 40, "largest_cluster_share": 0.1}]
    large: Any = evaluations(scores=[entry], differences=[])
    assert small_sample_sentence(large) == ""
    for key in ("scores", "differences"):
        part: Any = {**large, key: [*large[key], {**entry, **change}]}
        assert "fewer than 100 questions or 40 document groups" in small_sample_sentence(part)
