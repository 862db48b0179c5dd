from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.distill.core.naming import content_hash
from include.distill.prompt_optimization.plan import OptimizationPlan, optimization_plan
from include.distill.prompt_optimization.records import OptimizationInput
from tests.distill.conftest import make_use_case

RECORD: OptimizationInput = {
    "version": "bedrock-2026-05-14",
    "templateId": "answering",
    "promptTemplate": "{{document}} {{question}}",
    "evaluationSamples": [{"inputVariables": [{"document": "Doc."}, {"question": "Why?"}], "referenceResponse": "So."}],
}


def make_plan(arm: str = "prompted", record: OptimizationInput = RECORD, **changes: Any) -> OptimizationPlan:
    return optimization_plan(make_use_case(**changes), arm, record)


def test_the_model_answers_as_in_the_requests_of_the_arm() -> None:
    plan = make_plan(answering={"max_tokens": 77, "temperature": 0.25})
    assert plan.model == {
        "modelId": "us.amazon.nova-micro-v1:0",
        "inferenceConfig": {"maxTokens": 77, "temperature": 0.25},
    }


def test_a_temperature_that_is_not_set_is_not_sent() -> None:
    assert make_plan(answering={"temperature": None}).model["inferenceConfig"] == {"maxTokens": 1024}


def test_the_uri_of_the_input_depends_on_its_bytes() -> None:
    plan = make_plan()
    assert plan.sha256 == content_hash(plan.dataset)
    assert plan.samples == 1


def test_the_fingerprint_of_a_job_never_changes() -> None:
    """If this value changes, users pay again for prompts that they have."""
    assert make_plan().fingerprint == "c9846344c4b393795de77b07d570e15e8e810fe7c8c5d7c786d88665cd082575"


@pytest.mark.parametrize(
    "other",
    [
        make_plan(answering={"max_tokens": 77}),
        make_plan(answering={"temperature": 0.5}),
        make_plan(student="nova-lite"),
        make_plan(record={**RECORD, "steeringCriteria": ["CONCISE"]}),
        make_plan(record={**RECORD, "promptTemplate": "{{document}}\n{{question}}"}),
    ],
)
def test_another_model_setting_prompt_or_criterion_is_another_job(other: OptimizationPlan) -> None:
    assert other.fingerprint != make_plan().fingerprint


def test_the_arm_does_not_determine_the_job() -> None:
    plan = make_plan()
    assert replace(plan, arm="other").fingerprint == plan.fingerprint
