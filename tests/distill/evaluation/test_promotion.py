"""Test that each condition of the promotion rule can prevent a promotion alone, also when it was not checked."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.sections import Promotion
from include.distill.evaluation.promotion import decide_promotion, false_promotions_a_year

JUDGES = ("haiku", "llama")


def comparison(judge: str, **changes: Any) -> dict[str, Any]:
    good = {
        "judge": judge,
        "candidate": "tuned",
        "baseline": "champion",
        "n": 100,
        "wins": 60,
        "losses": 20,
        "ties": 20,
        "unparsable": 0,
        "decisive_clusters": 60,
        "half_win_rate": 0.7,
        "half_win_ci95": [0.61, 0.78],
    }
    return {**good, **changes}


def decision(*comparisons: dict[str, Any], contaminated: int | None = 0, **rule: Any) -> Any:
    return decide_promotion(
        comparisons,
        candidate="tuned",
        champion="champion",
        judges=JUDGES,
        contaminated=contaminated,
        rule=Promotion(**rule),
    )


def test_a_candidate_that_convinces_every_judge_is_promoted_and_the_reasons_have_the_figures() -> None:
    decided = decision(comparison("haiku"), comparison("llama", half_win_ci95=[0.55, 0.8]))
    assert decided.promoted
    assert decided.lower_bound == 0.55
    assert decided.reasons[1] == "llama: half-win rate 70.0%, lower bound 55.0%, above the required 52.0%"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"half_win_ci95": [0.52, 0.7]}, "is 52.0%, but must be above 52.0%", id="exactly at the margin"),
        pytest.param({"half_win_ci95": None}, "is unknown", id="no interval"),
        pytest.param(
            {"wins": 30, "losses": 19}, "49 questions are decided, but at least 50 are needed", id="too few decided"
        ),
        pytest.param(
            {"decisive_clusters": 19},
            "19 document groups have decided questions, but at least 20 are needed",
            id="too few documents",
        ),
        pytest.param(
            {"unparsable": 2}, "2.0% of the verdicts are unparsable, but must be below 2.0%", id="unreadable judge"
        ),
        pytest.param({"n": 0, "unparsable": 0}, "100.0% of the verdicts are unparsable", id="no questions"),
        pytest.param({"baseline": "base"}, "llama did not compare the candidate with champion", id="another pair"),
    ],
)
def test_one_judge_that_is_not_convinced_prevents_the_promotion(changes: dict[str, Any], words: str) -> None:
    decided = decision(comparison("haiku"), comparison("llama", **changes))
    assert not decided.promoted
    assert len(decided.reasons) == 1
    assert words in decided.reasons[0]
    assert "llama" in decided.reasons[0]


@pytest.mark.parametrize(
    ("contaminated", "words"),
    [(3, "3 evaluation questions are in the training data"), (None, "was not searched")],
    ids=["contaminated", "not checked"],
)
def test_contaminated_or_unsearched_training_data_prevents_the_promotion(contaminated: int | None, words: str) -> None:
    decided = decision(*map(comparison, JUDGES), contaminated=contaminated)
    assert not decided.promoted
    assert words in decided.reasons[0]


def test_all_unmet_conditions_are_named_at_once() -> None:
    decided = decision(
        comparison("haiku", wins=10, losses=2, half_win_ci95=[0.4, 0.9], decisive_clusters=5), contaminated=1
    )
    assert len(decided.reasons) == 5


def test_no_candidate_is_promoted_without_judges() -> None:
    rule = Promotion()
    assert not decide_promotion([], candidate="tuned", champion="base", judges=(), contaminated=0, rule=rule).promoted


def test_the_record_states_that_the_default_rule_allows_nine_false_promotions_a_year() -> None:
    assert false_promotions_a_year(Promotion()) == pytest.approx(9.125)
    assert false_promotions_a_year(Promotion(runs_a_year=52), candidates=3) == pytest.approx(3.9)
    record = decision(*map(comparison, JUDGES)).as_record()
    assert record["false_promotions_a_year"] == pytest.approx(9.125)
    assert isinstance(record["reasons"], list)


def test_a_candidate_is_promoted_with_the_smallest_sample_that_the_rule_accepts() -> None:
    smallest = {"wins": 30, "losses": 20, "decisive_clusters": 20, "unparsable": 1, "half_win_ci95": [0.521, 0.7]}
    assert decision(comparison("haiku", **smallest), comparison("llama", **smallest)).promoted


def test_forty_runs_a_year_allow_one_false_promotion() -> None:
    assert false_promotions_a_year(Promotion(runs_a_year=40)) == pytest.approx(1.0)
