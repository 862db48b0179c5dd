"""Test that counts of evaluation jobs must add up."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.distill.report.schema_evaluations import EvaluationsSchema
from tests.distill.report.example_scores import evaluations


def changed(key: str, number: int, **changes: Any) -> dict[str, Any]:
    part = evaluations()
    part[key][number] = {**part[key][number], **changes}
    return part


def test_the_example_is_valid_and_stays_unchanged() -> None:
    assert EvaluationsSchema.model_validate(evaluations()).model_dump(mode="json")["scores"][0]["ci95"] == [0.7, 0.8]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (evaluations(questions=101), "questions 101 is more than evaluation_rows 100"),
        (changed("scores", 0, missing=1), r"n 98 \+ missing 1 of Builtin.Correctness of tuned by nova-pro is not"),
        (changed("scores", 0, mean=1.5), "mean 1.5 of Builtin.Correctness of tuned by nova-pro is not on the scale"),
        (changed("scores", 0, mean=float("nan")), "finite number"),
        (changed("scores", 3, mean=-1.1), "is not on the scale from -1.0 to 5.0"),
        (changed("scores", 0, metric="other"), "mean 0.75 of other of tuned by nova-pro is not on the scale"),
        (changed("differences", 0, missing=3), "of tuned and base by nova-pro is more than questions 100"),
    ],
)
def test_figures_that_do_not_add_up_are_refused(part: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EvaluationsSchema.model_validate(part)


def test_a_mean_may_differ_from_the_end_of_the_scale_by_a_rounding_error() -> None:
    EvaluationsSchema.model_validate(changed("scores", 0, mean=1 + 1e-12))
