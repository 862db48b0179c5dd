"""The schema of optimized prompts refuses prompts that cannot be those of the arms."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from include.distill.core.errors import ReconciliationError
from include.distill.report.build import build_report
from include.distill.report.schema import render_json_schema
from tests.distill.report.example_prompts import optimized_prompt, prompted_arm, prompted_inputs
from tests.distill.report.example_report import base_arm, inputs, tuned_arm


def test_optimized_prompts_are_stored_unchanged_and_match_the_json_schema() -> None:
    built = build_report(**prompted_inputs())
    assert built["prompt_optimization"] == [optimized_prompt()]
    assert built["arms"] == [base_arm(), prompted_arm(), tuned_arm()]
    jsonschema.Draft202012Validator(json.loads(render_json_schema())).validate(built)


def test_a_report_without_optimized_prompts_lacks_their_keys() -> None:
    built = build_report(**inputs())
    assert "prompt_optimization" not in built
    assert not any({"prompt", "prompt_version"} & arm.keys() for arm in built["arms"])


def test_figures_that_bedrock_did_not_state_may_be_null() -> None:
    nothing = {"score": None, "input_tokens": None, "output_tokens": None}
    prompt = optimized_prompt(before=nothing, after=nothing)
    assert build_report(**prompted_inputs(prompt_optimization=[prompt]))["prompt_optimization"] == [prompt]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"before": {"score": 1.5, "input_tokens": 1, "output_tokens": 1}}, "less than or equal to 1"),
        ({"after": {"score": 0.5, "input_tokens": -1, "output_tokens": 1}}, "greater than or equal to 0"),
        ({"after": {"score": 0.5}}, "Field required"),
        ({"samples": 0}, "greater than 0"),
        ({"optimized": "another {{document}} {{question}}"}, "but its prompt has the version"),
        ({"arm": "base"}, "names base, which has no optimized prompt"),
        ({"arm": "nobody"}, "names nobody, which has no optimized prompt"),
    ],
)
def test_a_prompt_that_cannot_be_true_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ReconciliationError, match=problem) as caught:
        build_report(**prompted_inputs(prompt_optimization=[optimized_prompt(**changes)]))
    assert "Clear" in str(caught.value)


def test_an_arm_has_one_prompt() -> None:
    with pytest.raises(ReconciliationError, match="names an arm twice: prompted, prompted"):
        build_report(**prompted_inputs(prompt_optimization=[optimized_prompt()] * 2))


def test_an_arm_whose_prompt_could_not_be_read_has_no_version() -> None:
    unread = [base_arm(), prompted_arm(), tuned_arm()]
    del unread[1]["prompt_version"]
    arguments = {key: value for key, value in prompted_inputs(arms=unread).items() if key != "prompt_optimization"}
    assert build_report(**arguments)["arms"][1]["prompt"] == "optimized"
    with pytest.raises(ReconciliationError, match="prompted has a prompt_version, but no prompt"):
        build_report(**{**arguments, "arms": [base_arm(), prompted_arm(), tuned_arm()]})
