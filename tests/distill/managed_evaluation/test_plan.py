from __future__ import annotations

from dataclasses import replace

import pytest

from include.distill.config.evaluation_settings import CustomMetric, PointwiseEvaluation, Rating
from include.distill.managed_evaluation.plan import EvaluationPlan, judge_config
from tests.distill.conftest import CATALOG

SCALE = (Rating(definition="no", value=0), Rating(definition="yes", value=1))
GROUNDED = CustomMetric(name="grounded", instructions="{{prompt}} {{prediction}}", rating_scale=SCALE)
SETTINGS = PointwiseEvaluation(evaluators=("nova-pro",), metrics=("Builtin.Correctness",), custom_metrics=(GROUNDED,))
NOVA = CATALOG.model("nova-pro")
PLAN = EvaluationPlan("tuned", "nova-pro", judge_config(SETTINGS, NOVA), ("tuned",), b"{}\n")


def test_one_evaluator_rates_built_in_and_custom_metrics() -> None:
    models = {"bedrockEvaluatorModels": [{"modelIdentifier": "us.amazon.nova-pro-v1:0"}]}
    assert judge_config(SETTINGS, NOVA) == {
        "automated": {
            "datasetMetricConfigs": [
                {
                    "taskType": "General",
                    "dataset": {"name": "questions"},
                    "metricNames": ["Builtin.Correctness", "grounded"],
                }
            ],
            "evaluatorModelConfig": models,
            "customMetricConfig": {
                "customMetrics": [
                    {
                        "customMetricDefinition": {
                            "name": "grounded",
                            "instructions": "{{prompt}} {{prediction}}",
                            "ratingScale": [
                                {"definition": "no", "value": {"floatValue": 0.0}},
                                {"definition": "yes", "value": {"floatValue": 1.0}},
                            ],
                        }
                    }
                ],
                "evaluatorModelConfig": models,
            },
        }
    }


@pytest.mark.parametrize(
    ("metrics", "custom", "key"),
    [(("Builtin.Refusal",), (), "evaluatorModelConfig"), ((), (GROUNDED,), "customMetricConfig")],
)
def test_the_configuration_has_only_the_kinds_of_metrics_that_are_used(
    metrics: tuple[str, ...], custom: tuple[CustomMetric, ...], key: str
) -> None:
    settings = PointwiseEvaluation(evaluators=("nova-pro",), metrics=metrics, custom_metrics=custom)
    assert set(judge_config(settings, NOVA)["automated"]) == {"datasetMetricConfigs", key}


def test_the_fingerprint_of_a_job_never_changes() -> None:
    """If this value changes, users pay again for scores that they have."""
    assert PLAN.fingerprint == "5716a0531f96e3de6edb25700286a43d74bf3e8da576c7c48a3a887767b1d388"


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, dataset=b"{} \n"),
        replace(PLAN, sources=("base",)),
        replace(PLAN, config=judge_config(SETTINGS, CATALOG.model("nova-micro"))),
        replace(PLAN, config=judge_config(SETTINGS.model_copy(update={"custom_metrics": ()}), NOVA)),
    ],
)
def test_another_dataset_source_evaluator_or_metric_is_another_job(other: EvaluationPlan) -> None:
    assert other.fingerprint != PLAN.fingerprint


def test_names_for_readers_do_not_determine_the_job() -> None:
    assert replace(PLAN, part="x", evaluator="y").fingerprint == PLAN.fingerprint
