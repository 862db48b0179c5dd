from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.config.arms import Arm


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        pytest.param({"originals": 0, "synthetic": 0}, "neither originals nor", id="an empty arm"),
        pytest.param({"kind": "base", "originals": 5}, "which is not trained", id="a trained base"),
        pytest.param({"kind": "distilled", "originals": 0}, "neither originals nor", id="no prompts"),
        pytest.param({"teacher": "nova-pro"}, "has teacher: nova-pro; only arms of kind distilled", id="a teacher"),
        pytest.param({"kind": "base", "golden_answers": "ours"}, "has golden_answers: ours; only", id="answers"),
        pytest.param({"kind": "distilled", "teacher": "nova-por"}, "Did you mean nova-pro", id="an unknown teacher"),
        pytest.param({"kind": "distilled", "golden_answers": "theirs"}, "'ours'", id="unknown answers"),
        pytest.param({"kind": "base", "prompt": "optimised"}, "'optimized'", id="an unknown prompt"),
        *(
            pytest.param({"kind": kind, "prompt": "optimized"}, "only arms of kind base can have an optimized", id=kind)
            for kind in ("fine_tuned", "distilled", "champion")
        ),
    ],
)
def test_a_wrong_value_in_an_arm_is_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Arm(name="x", **values)
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("arm", "wants_pairs"),
    [
        ({}, True),
        ({"synthetic": 5}, True),
        ({"originals": 0}, True),
        ({"synthetic": 0}, False),
        ({"kind": "base"}, False),
        ({"kind": "champion"}, False),
        ({"kind": "distilled"}, False),
        ({"kind": "distilled", "synthetic": 5}, True),
    ],
)
def test_only_an_arm_that_is_trained_on_pairs_uses_pairs(arm: dict[str, Any], wants_pairs: bool) -> None:
    assert Arm(name="x", **arm).wants_pairs is wants_pairs


def test_a_base_arm_with_an_optimized_prompt_is_not_trained() -> None:
    arm = Arm(name="x", kind="base", prompt="optimized")
    assert (arm.has_optimized_prompt, arm.is_trained, arm.wants_pairs) == (True, False, False)
    assert not Arm(name="x", kind="base").has_optimized_prompt


def test_a_distilled_arm_sends_all_rows_and_no_pairs_by_default() -> None:
    arm = Arm(name="x", kind="distilled", teacher="us.amazon.nova-pro-v1:0")
    assert (arm.originals, arm.synthetic, arm.teacher, arm.golden_answers) == ("all", 0, "nova-pro", None)
    assert arm.is_trained


@pytest.mark.parametrize(
    "arm",
    [
        {},
        {"kind": "base"},
        {"kind": "distilled"},
        {"kind": "distilled", "teacher": "nova-pro", "golden_answers": "ours"},
        {"kind": "base", "prompt": "optimized"},
    ],
)
def test_a_stored_arm_has_the_optional_keys_only_if_they_are_set(arm: dict[str, Any]) -> None:
    """Otherwise, the arms of every use case would seem to have changed since the version without these keys."""
    stored = Arm(name="x", **arm).model_dump(mode="json")
    assert set(stored) - {"name", "kind", "originals", "synthetic"} == set(arm) - {"kind"}
    assert Arm(**stored) == Arm(name="x", **arm)
