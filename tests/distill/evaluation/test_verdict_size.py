from __future__ import annotations

import pytest

from include.distill.config.promotion_rule import Promotion
from include.distill.dataset.records import Grouped
from include.distill.evaluation.comparisons import compare
from include.distill.evaluation.records import Verdict
from include.distill.evaluation.verdict_size import detectable_win_rate, too_few_questions, verdict_warnings
from include.distill.evaluation.verdicts import orders


def rows(questions: int, groups: int) -> list[Grouped]:
    return [{"row_id": f"r{number}", "group": f"g{number % groups}"} for number in range(questions)]


def unanimous(evaluation: list[Grouped]) -> list[Verdict]:
    return [
        {
            "judge": "j",
            "candidate": "c",
            "baseline": "b",
            "row_id": row["row_id"],
            "order": order,
            "verdict": "candidate",
        }
        for row in evaluation
        for order in orders()
    ]


@pytest.mark.parametrize(
    ("questions", "groups"), [(1, 1), (99, 99), (100, 39), (100, 40), (100, 100), (1000, 39), (1000, 40)]
)
def test_the_warning_agrees_with_the_finding_of_a_run_whose_verdicts_are_all_the_same(
    questions: int, groups: int
) -> None:
    evaluation = rows(questions, groups)
    finding = compare(unanimous(evaluation), {row["row_id"]: row["group"] for row in evaluation})["finding"]
    assert bool(list(verdict_warnings(evaluation, None))) is (finding == "too_few")


def test_one_group_with_too_many_questions_is_named() -> None:
    (warning,) = verdict_warnings([*rows(100, 50), *rows(30, 1)], None)
    assert "130 evaluation questions from 50 document groups, 32 of them in one group" in warning


def test_an_evaluation_can_be_large_enough_for_a_verdict_and_too_small_for_a_promotion() -> None:
    evaluation, rule = rows(120, 60), Promotion(min_decisive=200)
    assert list(verdict_warnings(evaluation, None)) == []
    (warning,) = verdict_warnings(evaluation, rule)
    assert "can promote no arm: it has 120 evaluation questions" in warning
    assert "promotion requires 200 decided questions from 40 groups" in warning
    assert list(verdict_warnings(evaluation, Promotion())) == []


@pytest.mark.parametrize(("limit", "warns"), [(1, True), (99, True), (100, False), (10**6, False)])
def test_a_limit_of_rows_is_too_small_only_below_the_minimum_of_a_verdict(limit: int, warns: bool) -> None:
    assert bool(too_few_questions(limit)) is warns


def test_more_questions_detect_smaller_differences() -> None:
    few, many = detectable_win_rate(rows(100, 50)), detectable_win_rate(rows(1000, 500))
    assert few is not None
    assert many is not None
    assert 0.5 < many < few < 1
    assert detectable_win_rate(rows(5, 1)) is None
    assert detectable_win_rate([]) is None
