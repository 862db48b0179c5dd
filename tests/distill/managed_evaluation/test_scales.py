"""Test the scales of the metrics of a use case."""

from __future__ import annotations

import pytest

from include.distill.config.evaluation_settings import BUILT_IN_METRICS, PointwiseEvaluation
from include.distill.managed_evaluation.scales import Scale, is_fault, metric_scales

RATINGS = [{"definition": "bad", "value": 4}, {"definition": "good", "value": -1}, {"definition": "so-so", "value": 2}]


def test_a_custom_metric_has_the_scale_of_its_ratings_and_a_built_in_metric_0_to_1() -> None:
    custom = {"name": "grounded", "instructions": "{{prompt}} {{prediction}}", "rating_scale": RATINGS}
    settings = PointwiseEvaluation(
        evaluators=("nova-pro",), metrics=("Builtin.Relevance", "Builtin.Refusal"), custom_metrics=(custom,)
    )
    assert metric_scales(settings) == {
        "Builtin.Relevance": (0, 1),
        "Builtin.Refusal": (0, 1),
        "grounded": (-1, 4),
    }


@pytest.mark.parametrize(("score", "share"), [(1.0, 0.0), (2.0, 0.25), (5.0, 1.0)])
def test_a_score_has_a_place_on_its_scale(score: float, share: float) -> None:
    scale = Scale(1, 5)
    assert scale.share(score) == share
    assert scale.score(share) == score
    assert scale.differences == (-4, 4)


def test_a_high_score_is_bad_only_for_the_metrics_that_find_faults() -> None:
    assert [name for name in BUILT_IN_METRICS if is_fault(name)] == [
        "Builtin.Harmfulness",
        "Builtin.Stereotyping",
        "Builtin.Refusal",
    ]
    assert not is_fault("Harmfulness")
