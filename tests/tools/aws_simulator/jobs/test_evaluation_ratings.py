"""Responses and ratings come from the simulated models, in the forms of the output."""

from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.jobs.evaluation_ratings import model_arn, scale_of

MODEL = "amazon.nova-micro-v1:0"


@pytest.mark.parametrize(
    ("identifier", "arn"),
    [
        (MODEL, f"arn:aws:bedrock:us-west-2::foundation-model/{MODEL}"),
        (f"us.{MODEL}", f"arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.{MODEL}"),
        (
            "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/abc",
            "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/abc",
        ),
    ],
)
def test_the_output_names_a_model_by_its_arn(identifier: str, arn: str) -> None:
    assert model_arn("us-west-2", identifier, MODEL) == arn


def metric(*values: Any) -> Any:
    ratings = [{"definition": f"d{number}", "value": value} for number, value in enumerate(values)]
    return {"name": "m", "instructions": "{{prompt}}", **({"ratingScale": ratings} if values else {})}


def test_numbers_are_ordered_and_texts_keep_their_order() -> None:
    numbers = scale_of(metric({"floatValue": 2}, {"floatValue": -1}))
    texts = scale_of(metric({"stringValue": "z"}, {"stringValue": "a"}))
    mixed = scale_of(metric({"stringValue": "z"}, {"floatValue": 1}))
    assert numbers is not None
    assert texts is not None
    assert mixed is not None
    assert (numbers.values, texts.values, mixed.values) == ((-1.0, 2.0), ("z", "a"), ("z", 1.0))
    assert texts.text == "d0: z\nd1: a"


def test_a_metric_without_ratings_has_no_scale() -> None:
    assert scale_of(metric()) is None
