"""Test the rows of the report's tables."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.report.tables import (
    agreement_rows,
    agreement_sentence,
    arm_kind,
    arm_matrix,
    detectable_difference_sentence,
    headline_comparisons,
)


def comparison(candidate: str, baseline: str, *, judge: str = "haiku", **changes: Any) -> dict[str, Any]:
    return {
        "judge": judge,
        "candidate": candidate,
        "baseline": baseline,
        "n": 100,
        "clusters": 90,
        "half_win_rate": 0.7,
        "finding": "candidate",
        "minimum_detectable_difference": 0.12,
        **changes,
    }


def cells(matrix: list[Any], row: str) -> dict[str, Any]:
    (matrix_row,) = [line for line in matrix if line["arm"] == row]
    return {cell["against"]: cell["findings"] for cell in matrix_row["cells"]}


def test_the_matrix_shows_every_comparison_from_the_side_of_each_arm() -> None:
    matrix = arm_matrix([comparison("tuned", "base"), comparison("tuned", "base", judge="llama", finding="unclear")])
    ahead, behind = cells(matrix, "tuned")["base"], cells(matrix, "base")["tuned"]
    assert [(cell["judge"], cell["word"]) for cell in ahead] == [("haiku", "better"), ("llama", "could be chance")]
    assert [(cell["judge"], cell["word"]) for cell in behind] == [("haiku", "worse"), ("llama", "could be chance")]
    assert round(behind[0]["half_win_rate"], 6) == 0.3
    assert behind[0]["finding"] == "baseline"


def test_the_cell_of_an_arm_with_itself_is_none_and_the_cell_of_arms_that_were_not_compared_is_empty() -> None:
    matrix = arm_matrix([comparison("mixed", "base"), comparison("mixed", "small")])
    assert [line["arm"] for line in matrix] == ["mixed", "base", "small"]
    assert cells(matrix, "base") == {"mixed": cells(matrix, "base")["mixed"], "base": None, "small": []}


def test_a_comparison_without_a_half_win_rate_has_no_rate_in_both_cells() -> None:
    matrix = arm_matrix([comparison("tuned", "base", half_win_rate=None, finding="too_few")])
    assert cells(matrix, "base")["tuned"][0]["half_win_rate"] is None


def test_the_headline_is_the_first_pair_of_arms_with_all_its_judges() -> None:
    pair = [comparison("tuned", "base"), comparison("tuned", "base", judge="llama")]
    assert headline_comparisons([*pair, comparison("small", "base")]) == pair
    assert headline_comparisons([]) == []


def test_the_detectable_difference_comes_from_the_least_certain_judge_of_the_headline_pair() -> None:
    entries = [
        comparison("tuned", "base"),
        comparison("tuned", "base", judge="llama", minimum_detectable_difference=0.2),
    ]
    assert "is below 30% or above 70%" in str(detectable_difference_sentence(entries))
    assert detectable_difference_sentence([comparison("tuned", "base", minimum_detectable_difference=None)]) is None


@pytest.mark.parametrize(
    ("second", "counts", "reason"),
    [
        pytest.param("ann (person)", {"n": 49, "clusters": 49}, "too few labels (49)", id="labels"),
        pytest.param("llama", {"n": 29, "clusters": 29}, "too few questions (29)", id="questions"),
        pytest.param("ann (person)", {"n": 90, "clusters": 19}, "too few documents (19)", id="documents"),
        pytest.param("ann (person)", {"n": 50, "clusters": 20}, "", id="enough"),
        pytest.param("llama", {"n": 50}, "", id="a report without the number of documents"),
        pytest.param("llama", {"n": 50, "clusters": None}, "", id="a checked report without the number of documents"),
    ],
)
def test_a_kappa_of_few_items_or_documents_is_not_shown(second: str, counts: Any, reason: str) -> None:
    (row,) = agreement_rows([{"first": "haiku", "second": second, "kappa": 0.0, **counts}])
    assert row["too_few"] == reason


def test_raters_without_common_questions_have_no_row() -> None:
    assert agreement_rows([{"first": "haiku", "second": "llama", "n": 0, "clusters": 0}]) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "haiku and llama: kappa 0.14 on 60 questions"),
        ({"kappa": -1.0}, "haiku and llama: kappa -1.00 on 60 questions"),
        ({"kappa": None}, "haiku and llama: kappa undefined on 60 questions"),
        ({"too_few": "too few labels (3)"}, "haiku and llama: too few labels (3)"),
    ],
)
def test_kappa_is_rounded_in_the_log(changes: Any, text: str) -> None:
    row: Any = {"first": "haiku", "second": "llama", "kappa": 0.1446141638563777, "n": 60, "too_few": "", **changes}
    assert agreement_sentence(row) == text


def test_the_kind_of_an_arm_is_given_in_words() -> None:
    arms = [{"kind": "base"}, {"kind": "fine_tuned"}, {"kind": "base", "prompt": "optimized"}]
    assert [arm_kind(arm) for arm in arms] == ["base", "fine-tuned", "base student, optimized prompt"]
