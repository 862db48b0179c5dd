from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.prompt_optimization import DEFAULT_JUDGE, JUDGE_IDS, REGIONS, optimization_problem
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case

JUDGE = {"metric": "accuracy", "instructions": "Rate {{response}} to {{prompt}}, given {{referenceResponse}}."}
ARMS = [
    {"name": "base", "kind": "base"},
    {"name": "prompted", "kind": "base", "prompt": "optimized"},
    {"name": "tuned"},
]


def judge(**changes: Any) -> dict[str, Any]:
    return {"judge": {**JUDGE, **changes}}


def test_without_the_section_all_samples_are_used_and_bedrock_judges_in_its_own_way() -> None:
    settings = make_use_case().prompt_optimization
    assert (settings.samples, settings.steering_criteria, settings.judge) == (100, (), None)
    assert (settings.timeout_hours, settings.max_attempts) == (24, 3)
    assert settings.judge_model == DEFAULT_JUDGE


def test_the_default_judge_is_one_that_bedrock_accepts() -> None:
    assert load_catalog().model(DEFAULT_JUDGE).foundation_id in JUDGE_IDS


def test_a_judge_is_found_by_key_or_id() -> None:
    section = judge(model="us.anthropic.claude-sonnet-4-6")
    assert make_use_case(prompt_optimization=section).prompt_optimization.judge_model == "claude-sonnet-4-6"


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        pytest.param(
            {"samples": 0},
            "prompt_optimization.samples: found 0, expected a whole",
            id="no sample",
        ),
        pytest.param({"samples": 101}, "found 101, expected a whole number from 1 to 100", id="too many samples"),
        pytest.param({"steering_criteria": ["A"] * 6}, "at most 5", id="too many criteria"),
        pytest.param({"steering_criteria": [" "]}, "steering_criteria.0", id="a blank criterion"),
        pytest.param({"steering_criteria": ["x" * 501]}, "at most 500", id="a long criterion"),
        pytest.param({**judge(), "steering_criteria": ["CONCISE"]}, "at most one of them", id="two methods"),
        pytest.param(
            judge(model="nova-pro"), "'nova-pro', which cannot judge .*expected .*claude-sonnet-4-6", id="not a judge"
        ),
        pytest.param(
            judge(model="claude-opus-4-6"),
            "found 'claude-opus-4-6', which is not in include/models.yaml; expected claude-sonnet-4-6$",
            id="unknown judge",
        ),
        pytest.param(
            judge(model=None), "judge.model: found null, expected claude-sonnet-4-6$", id="no name of a judge"
        ),
        pytest.param(judge(metric="builtin.Accuracy"), "judge.metric: found 'builtin.Acc", id="a built-in metric"),
        pytest.param(judge(instructions="{{prompt}} {{response}} {{prompt"), "found {{ without }}", id="open braces"),
        pytest.param(judge(metric="two words"), "judge.metric", id="a metric with a space"),
        pytest.param(judge(instructions="Rate {{response}}."), "found no {{prompt}}", id="no prompt"),
        pytest.param(
            judge(instructions="{{prompt}} {{response}} {{reference}}"), "found {{reference}}", id="unknown variable"
        ),
        pytest.param(judge(instructions="{{prompt}} {{response}}" + "x" * 5000), "at most 5,000", id="too long"),
        pytest.param({"rounds": 5}, "rounds: unknown key", id="unknown key"),
        pytest.param({"timeout_hours": 0}, "timeout_hours", id="no time"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_key(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(UseCaseError, match=problem):
        make_use_case(prompt_optimization=section)


class TestOptimizedArms:
    def test_the_optimized_arm_is_compared_with_the_plain_base_arm_and_the_trained_arm_with_both(self) -> None:
        use_case = make_use_case(arms=ARMS)
        assert use_case.optimized_arms == ("prompted",)
        assert [(pair.candidate, pair.baseline) for pair in use_case.judged_pairs] == [
            ("tuned", "base"),
            ("tuned", "prompted"),
            ("prompted", "base"),
        ]

    def test_the_judge_of_the_job_is_one_of_the_models_that_only_bedrock_calls(self) -> None:
        assert make_use_case(arms=ARMS, teacher="nova-pro", judges=["nova-lite"]).models_of_jobs == (DEFAULT_JUDGE,)
        assert make_use_case(teacher="nova-pro", judges=["nova-lite"]).models_of_jobs == ()

    def test_the_plain_base_arm_answers_twice_for_the_noise_control(self) -> None:
        arms = [ARMS[1], ARMS[0], ARMS[2]]
        assert make_use_case(arms=arms, answering={"temperature": 0.5}).noise_control_arm == "base"
        assert make_use_case(arms=ARMS[1:], answering={"temperature": 0.5}).noise_control_arm == "prompted"

    def test_a_region_without_the_feature_is_refused_only_for_an_optimized_arm(self) -> None:
        arms = make_use_case(arms=ARMS).arms
        assert [optimization_problem(arms, region) for region in REGIONS] == [None] * 14
        assert optimization_problem([arms[0], arms[2]], "eu-north-1") is None
        problem = optimization_problem(arms, "eu-north-1")
        assert problem is not None
        assert problem.startswith("arm prompted has prompt: optimized, but Bedrock optimizes no prompts in eu-north-1")

    def test_a_use_case_in_a_region_without_the_feature_is_refused(self) -> None:
        with pytest.raises(UseCaseError, match="Bedrock optimizes no prompts in eu-north-1"):
            make_use_case(arms=ARMS, aws={"role_arn": "arn:aws:iam::123456789012:role/r", "region": "eu-north-1"})
