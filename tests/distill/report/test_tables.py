from __future__ import annotations

from typing import Any

import pytest

from include.distill.report.tables import (
    agreement_rows,
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


def cells(matrix: list[dict[str, Any]], row: str) -> dict[str, Any]:
    (found,) = [line for line in matrix if line["arm"] == row]
    return {cell["against"]: cell["found"] for cell in found["cells"]}


def test_every_comparison_is_seen_from_both_of_its_arms() -> None:
    matrix = arm_matrix([comparison("tuned", "base"), comparison("tuned", "base", judge="llama", finding="unclear")])
    ahead, behind = cells(matrix, "tuned")["base"], cells(matrix, "base")["tuned"]
    assert [(cell["judge"], cell["word"]) for cell in ahead] == [("haiku", "better"), ("llama", "could be chance")]
    assert [(cell["judge"], cell["word"]) for cell in behind] == [("haiku", "worse"), ("llama", "could be chance")]
    assert round(behind[0]["half_win_rate"], 6) == 0.3
    assert behind[0]["finding"] == "baseline"


def test_an_arm_does_not_meet_itself_and_some_never_meet() -> None:
    matrix = arm_matrix([comparison("mixed", "base"), comparison("mixed", "small")])
    assert [line["arm"] for line in matrix] == ["mixed", "base", "small"]
    assert cells(matrix, "base") == {"mixed": cells(matrix, "base")["mixed"], "base": None, "small": []}


def test_a_comparison_without_a_rate_has_none_from_either_side() -> None:
    matrix = arm_matrix([comparison("tuned", "base", half_win_rate=None, finding="too_few")])
    assert cells(matrix, "base")["tuned"][0]["half_win_rate"] is None


def test_the_headline_is_the_first_pair_by_every_judge() -> None:
    pair = [comparison("tuned", "base"), comparison("tuned", "base", judge="llama")]
    assert headline_comparisons([*pair, comparison("small", "base")]) == pair
    assert headline_comparisons([]) == []


def test_how_sure_is_said_by_the_less_sure_judge_of_the_headline() -> None:
    entries = [
        comparison("tuned", "base"),
        comparison("tuned", "base", judge="llama", minimum_detectable_difference=0.2),
    ]
    assert "beyond 30% to 70% four times out of five" in str(detectable_difference_sentence(entries))
    assert detectable_difference_sentence([comparison("tuned", "base", minimum_detectable_difference=None)]) is None


@pytest.mark.parametrize(
    ("second", "counts", "said"),
    [
        pytest.param("ann (person)", {"n": 49, "clusters": 49}, "too few labels to tell (49)", id="labels"),
        pytest.param("llama", {"n": 29, "clusters": 29}, "too few questions to tell (29)", id="questions"),
        pytest.param("ann (person)", {"n": 90, "clusters": 19}, "too few documents to tell (19)", id="documents"),
        pytest.param("ann (person)", {"n": 50, "clusters": 20}, "", id="enough"),
        pytest.param("llama", {"n": 50}, "", id="a report that does not say of how many documents"),
        pytest.param("llama", {"n": 50, "clusters": None}, "", id="the same, checked"),
    ],
)
def test_a_kappa_of_few_is_no_figure(second: str, counts: dict[str, Any], said: str) -> None:
    (row,) = agreement_rows([{"first": "haiku", "second": second, "kappa": 0.0, **counts}])
    assert row["too_few"] == said


def test_raters_who_never_met_are_no_row() -> None:
    assert agreement_rows([{"first": "haiku", "second": "llama", "n": 0, "clusters": 0}]) == []
