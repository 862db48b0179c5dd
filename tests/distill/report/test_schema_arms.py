"""Test that an arm of the report is refused if its keys contradict each other."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.report.schema_arms import ArmSchema
from tests.distill.report.example_prompts import prompted_arm
from tests.distill.report.example_report import base_arm, tuned_arm


@pytest.mark.parametrize("record", [base_arm(), tuned_arm(), prompted_arm()], ids=lambda arm: str(arm["name"]))
def test_an_arm_is_dumped_unchanged(record: dict[str, Any]) -> None:
    assert ArmSchema.model_validate(record).model_dump() == record


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (base_arm(train_uri="s3://t"), "arm base has no job"),
        (tuned_arm(kind="base"), "arm tuned is a base model"),
        (tuned_arm(serving=None, released=False), "released must be true"),
        (tuned_arm(prompt="optimized"), "arm tuned is no base model, so it has no prompt"),
        (base_arm(prompt_version="0123456789ab"), "arm base has no optimized prompt, so it has no prompt_version"),
        (base_arm(prompt="shortened"), "optimized"),
    ],
)
def test_an_arm_whose_keys_contradict_each_other_is_refused(record: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ArmSchema.model_validate(record)
