"""Test mean scores, differences and their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from include.distill.core.errors import ReconciliationError
from include.distill.managed_evaluation.pointwise import ScoresByArm
from include.distill.managed_evaluation.scales import Scale
from include.distill.stats.intervals import clustered_interval
from tests.distill.report.example_scores import score_records

SCALES = {"grounded": Scale(1, 5), "Builtin.Correctness": Scale(0, 1)}
GROUPS = {f"row{number}": f"d{number // 2}" for number in range(8)}


def records(
    arm: str, scores: list[float | None], *, metric: str = "grounded", evaluator: str = "nova-pro"
) -> list[dict[str, Any]]:
    return score_records(arm, {metric: scores}, evaluator=evaluator)


def by_arm(*jobs: Any) -> ScoresByArm:
    scores = ScoresByArm(SCALES, GROUPS)
    for of_job in jobs:
        scores.add(of_job)
    return scores


def test_the_mean_is_over_the_scores_and_its_interval_over_the_document_groups() -> None:
    (mean,) = by_arm(records("tuned", [5, 5, 1, 2, 4, None, 3, 3])).means()
    parts, sizes = np.array([2, 0.25, 0.75, 1]), np.array([2.0, 2, 1, 2])
    low, high = clustered_interval(parts, sizes) or (0, 0)
    assert mean["ci95"] == pytest.approx([1 + 4 * low, 1 + 4 * high])
    assert mean["mean"] == pytest.approx(23 / 7)
    assert (mean["n"], mean["missing"], mean["clusters"]) == (7, 1, 4)
    assert mean["largest_cluster_share"] == pytest.approx(2 / 7)
    assert (mean["metric"], mean["evaluator"], mean["arm"]) == ("grounded", "nova-pro", "tuned")


def test_the_difference_is_over_the_questions_with_a_score_in_both_arms() -> None:
    scores = by_arm(records("tuned", [5, 4, None, 2, 3, 3]), records("base", [1, None, 3, 2, 2, 4, 1]))
    (difference,) = scores.differences([("tuned", "base")])
    low, high = clustered_interval(np.array([1.0, 0.5, 5 / 8 + 3 / 8]), np.array([1.0, 1, 2])) or (0, 0)
    assert difference["difference"] == pytest.approx((4 + 0 + 1 - 1) / 4)
    assert difference["ci95"] == pytest.approx([-4 + 8 * low, -4 + 8 * high])
    assert (difference["n"], difference["missing"], difference["clusters"]) == (4, 2, 3)


def test_swapping_the_arms_mirrors_the_difference() -> None:
    scores = by_arm(records("a", [5, 4, 1, 2, 3, 3]), records("b", [1, 2, 3, 2, 2, 5]))
    ahead, behind = scores.differences([("a", "b"), ("b", "a")])
    assert ahead["difference"] == pytest.approx(-(behind["difference"] or 0))
    low, high = behind["ci95"] or (0, 0)
    assert ahead["ci95"] == pytest.approx([-high, -low])


def test_the_interval_of_a_paired_difference_is_narrower_if_hard_questions_are_hard_for_both_arms() -> None:
    hard = [1.0, 1, 5, 5, 2, 2, 4, 4]
    scores = by_arm(records("tuned", [min(5, score + 1) for score in hard]), records("base", list(hard)))
    (difference,) = scores.differences([("tuned", "base")])
    widths = [high - low for low, high in (entry["ci95"] or (0, 0) for entry in (*scores.means(), difference))]
    assert widths[-1] < min(widths[:-1])


def test_a_score_that_is_missing_for_every_question_has_no_mean() -> None:
    scores = by_arm(records("tuned", [None, None]), records("base", [1, 2]))
    mean, _ = scores.means()
    assert (mean["mean"], mean["ci95"], mean["n"], mean["missing"], mean["clusters"]) == (None, None, 0, 2, 0)
    assert mean["largest_cluster_share"] is None
    (difference,) = scores.differences([("tuned", "base")])
    assert (difference["difference"], difference["ci95"], difference["missing"]) == (None, None, 2)


def test_the_scores_of_one_document_group_say_nothing_about_others() -> None:
    (mean,) = by_arm(records("tuned", [5, 4])).means()
    assert (mean["mean"], mean["ci95"]) == (4.5, [1, 5])


def test_the_order_is_that_of_the_metrics_then_of_the_jobs() -> None:
    jobs = [
        [*records(arm, [1], metric="Builtin.Correctness", evaluator=judge), *records(arm, [2], evaluator=judge)]
        for judge in ("nova-pro", "nova-micro")
        for arm in ("base", "tuned")
    ]
    assert [(mean["metric"], mean["evaluator"], mean["arm"]) for mean in by_arm(*jobs).means()] == [
        (metric, judge, arm)
        for metric in ("grounded", "Builtin.Correctness")
        for judge in ("nova-pro", "nova-micro")
        for arm in ("base", "tuned")
    ]


def test_a_pair_with_an_arm_that_was_not_scored_is_left_out() -> None:
    scores = by_arm(records("tuned", [1, 2]), records("base", [1, 2], evaluator="nova-micro"))
    assert scores.differences([("tuned", "base"), ("tuned", "other")]) == []


def test_scores_for_a_metric_that_the_use_case_does_not_have_are_ignored() -> None:
    assert by_arm(records("tuned", [1], metric="other")).means() == []


def test_a_row_of_another_run_is_an_error() -> None:
    with pytest.raises(ReconciliationError, match="the row row9, which is not an evaluation row"):
        by_arm([{**records("tuned", [1])[0], "row_id": "row9"}])
