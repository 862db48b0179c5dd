"""Test that figures of judges and people are refused if they do not add up."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.report.build import build_report
from include.distill.report.schema_judging import AgreementSchema, ComparisonSchema, DecisionSchema
from tests.distill.report.example_report import agreement, inputs, promotion


def comparison(**changes: Any) -> dict[str, Any]:
    return {**build_report(**inputs())["comparisons"][0], **changes}


def test_a_valid_comparison_is_dumped_unchanged() -> None:
    assert ComparisonSchema.model_validate(comparison()).model_dump(mode="json") == comparison()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(
            {"ties": 17}, "n 100 of claude-haiku-4-5 on tuned against base is not wins 58", id="a question lost"
        ),
        pytest.param({"preference": 0.5}, "preference 0.5 of claude-haiku-4-5 .* decided 80", id="another preference"),
        pytest.param({"finding": "perhaps"}, "finding", id="an unknown finding"),
        pytest.param({"flip_rate": 1.2}, "flip_rate", id="a share above one"),
    ],
)
def test_a_comparison_that_does_not_add_up_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ComparisonSchema.model_validate(comparison(**changes))


def test_an_agreement_of_an_earlier_version_is_valid_without_a_number_of_documents() -> None:
    line = {name: value for name, value in agreement()[0].items() if name != "clusters"}
    assert AgreementSchema.model_validate(line).clusters is None


def test_a_decision_of_an_earlier_version_is_valid_without_a_lower_bound() -> None:
    (decision,) = promotion()["decisions"]
    assert DecisionSchema.model_validate(decision).model_dump() == decision
