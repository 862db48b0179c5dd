"""Test that each condition of the promotion rule can prevent a promotion on its own, even when it was not checked."""

from __future__ import annotations

import math
from typing import Any

import pytest

from include.distill.config.promotion_rule import Promotion
from include.distill.evaluation.promotion import decide_promotion, false_promotions_a_year, rule_sentence

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
        "same": 0,
        "flip_rate": 0.1,
        "first_position_rate": 0.5,
        "longer_wins_rate": 0.5,
        "clusters": 60,
        "decisive_clusters": 60,
        "clusters_won": 45,
        "clusters_lost": 15,
        "largest_cluster_share": 0.05,
        "design_effect": 1.0,
        "minimum_detectable_difference": 0.12,
        "preference": 0.75,
        "preference_ci95": [0.64, 0.83],
        "half_win_rate": 0.7,
        "half_win_ci95": [0.61, 0.78],
        "p_value": 0.001,
        "p_value_holm": 0.002,
        "max_unparsable_share": 0.05,
        "finding": "candidate",
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
        pytest.param(
            {"wins": 30, "losses": 19, "ties": 51},
            "49 questions are decided, but at least 50 are needed",
            id="too few decided",
        ),
        pytest.param(
            {"decisive_clusters": 39},
            "39 document groups have decided questions, but at least 40 are needed",
            id="too few decided documents",
        ),
        pytest.param(
            {"n": 103, "unparsable": 3},
            "2.9% of the verdicts are unparsable, but this share must be below 2.0%",
            id="unreadable",
        ),
        pytest.param(
            {"unparsable": 1, "ties": 19}, "99 questions have a readable verdict, but at least 100", id="99 readable"
        ),
        pytest.param({"baseline": "base"}, "llama did not compare them", id="another pair"),
        pytest.param({"finding": "unclear"}, "the finding is 'unclear', but must be 'candidate'", id="finding"),
        pytest.param({"p_value_holm": 0.05}, "the finding is 'unclear'", id="not significant after the correction"),
        pytest.param({"clusters_won": 20, "clusters_lost": 21}, "the finding is 'unclear'", id="groups lost"),
        pytest.param({"n": 99, "ties": 19}, "99 questions about 60 document groups", id="99 questions"),
        pytest.param({"clusters": 39}, "100 questions about 39 document groups", id="39 groups"),
        pytest.param({"n": 0}, "0 questions about 60 document groups", id="no questions"),
        pytest.param({"largest_cluster_share": 0.11}, "11% of the questions are about one document group", id="uneven"),
        pytest.param({"largest_cluster_share": None}, "too uneven", id="size of the groups unknown"),
        pytest.param(
            {"unparsable": 6, "ties": 14},
            "the verdicts of llama on 6 of 100 questions could not be read",
            id="verdict withheld",
        ),
        pytest.param({"finding": "too_few"}, "for a verdict", id="finding of a stored report: too few"),
        pytest.param({"finding": "unreadable"}, "could not be read", id="stored finding: unreadable"),
        pytest.param({"finding": "contested"}, "No verdict on tuned and champion", id="finding of a later version"),
    ],
)
def test_one_judge_that_is_not_convinced_prevents_the_promotion(changes: dict[str, Any], words: str) -> None:
    decided = decision(comparison("haiku"), comparison("llama", **changes))
    assert not decided.promoted
    assert len(decided.reasons) == 1
    assert words in decided.reasons[0]


HEADLINE = {"candidate": "other", "baseline": "base"}


def test_a_verdict_that_the_report_withholds_at_its_top_prevents_every_promotion() -> None:
    pair = [comparison(judge) for judge in JUDGES]
    withheld = [comparison(judge, **HEADLINE, unparsable=6, ties=14) for judge in JUDGES]
    decided = decision(*withheld, *pair)
    assert not decided.promoted
    assert decided.reasons == (
        "the report withholds its verdict: No verdict on other and base: the verdicts of haiku on 6 of 100"
        " questions could not be read; the verdicts of llama on 6 of 100 questions could not be read",
    )
    assert not decision(comparison("haiku", **HEADLINE), *pair).promoted
    assert decision(*pair, *withheld).promoted
    lost = [comparison(judge, **HEADLINE, half_win_ci95=[0.4, 0.6], finding="unclear") for judge in JUDGES]
    assert decision(*lost, *pair).promoted


def test_a_second_comparison_of_a_judge_cannot_hide_the_first() -> None:
    few = comparison("haiku", finding="too_few")
    for order in ((few, comparison("haiku")), (comparison("haiku"), few)):
        assert not decision(*order, comparison("llama")).promoted


@pytest.mark.parametrize(
    "changes",
    [
        {"half_win_ci95": [math.nan, math.nan]},
        {"half_win_ci95": [0.6, math.nan]},
        {"p_value_holm": math.nan},
        {"largest_cluster_share": math.nan},
        {"max_unparsable_share": math.nan},
        {"n": math.nan},
        {"unparsable": math.nan},
        {"clusters": math.nan},
    ],
)
def test_a_figure_that_is_not_a_number_prevents_the_promotion(changes: dict[str, Any]) -> None:
    assert not decision(comparison("haiku"), comparison("llama", **changes)).promoted


def test_without_an_interval_there_is_no_promotion() -> None:
    decided = decision(comparison("haiku"), comparison("llama", half_win_ci95=None))
    assert "llama: the lower bound of the half-win rate is unknown, but must be above 52.0%" in decided.reasons


def test_figures_that_an_earlier_version_did_not_store_prevent_the_promotion() -> None:
    for name in ("finding", "clusters_won", "largest_cluster_share", "half_win_ci95", "decisive_clusters"):
        entry = comparison("llama")
        del entry[name]
        decided = decision(comparison("haiku"), entry)
        assert not decided.promoted
        assert "earlier version" in decided.reasons[0]


@pytest.mark.parametrize("rule", [{"min_decisive": 1, "min_clusters": 2}, {"min_decisive": 30}, {"min_clusters": 20}])
def test_a_use_case_cannot_lower_the_minimums_that_guarantee_the_intervals(rule: dict[str, int]) -> None:
    few = {"wins": 40, "losses": 5, "ties": 55, "decisive_clusters": 39}
    decided = decision(comparison("haiku", **few), comparison("llama", **few), **rule)
    assert [reason for reason in decided.reasons if "at least 50 are needed" in reason]
    assert [reason for reason in decided.reasons if "at least 40 are needed" in reason]
    assert "at least 50 are decided and come from at least 40 document groups" in rule_sentence(Promotion(**rule))


def test_the_rule_is_described_in_one_sentence() -> None:
    assert rule_sentence(Promotion(min_decisive=60, max_unparsable_share=0.05)) == (
        "the report does not withhold its verdict, every judge finds the candidate better, and every judge's one-sided"
        " 97.5% lower bound of the half-win rate against the champion is above 52.0%, on at least 100 questions with"
        " readable verdicts, of which at least 60 are decided and come from at least 40 document groups, with less than"
        " 5.0% of the verdicts unparsable, few incomplete answers from each arm, and no evaluation question in the"
        " training data"
    )


def test_a_use_case_can_raise_the_minimums() -> None:
    decided = decision(*map(comparison, JUDGES), min_decisive=81, min_clusters=61)
    assert len(decided.reasons) == 4


def test_incomplete_answers_prevent_the_promotion() -> None:
    decided = decide_promotion(
        [*map(comparison, JUDGES)],
        candidate="tuned",
        champion="champion",
        judges=JUDGES,
        contaminated=0,
        rule=Promotion(),
        answer_problems=["champion: 9 of 100 answers are incomplete"],
    )
    assert decided.reasons == ("champion: 9 of 100 answers are incomplete",)


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
        comparison("haiku", wins=10, losses=2, ties=88, half_win_ci95=[0.4, 0.9], decisive_clusters=5),
        comparison("llama"),
        contaminated=1,
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
    smallest = {
        "n": 101,
        "wins": 30,
        "losses": 20,
        "ties": 50,
        "clusters": 40,
        "decisive_clusters": 40,
        "largest_cluster_share": 0.1,
        "unparsable": 1,
        "half_win_ci95": [0.521, 0.7],
    }
    assert decision(comparison("haiku", **smallest), comparison("llama", **smallest)).promoted


def test_forty_runs_a_year_allow_one_false_promotion() -> None:
    assert false_promotions_a_year(Promotion(runs_a_year=40)) == pytest.approx(1.0)
