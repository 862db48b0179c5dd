"""A number follows the bounds of its schema, and is the prompt's number if that is possible."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tools.aws_simulator.models.number_values import number_for


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, 7),
        ({"minimum": 8}, 8),
        ({"maximum": 6.5}, 6.5),
        ({"exclusiveMinimum": 7}, 8),
        ({"exclusiveMaximum": 7}, 6),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"multipleOf": 5}, 5),
        ({"multipleOf": 5, "minimum": 6}, 10),
        ({"multipleOf": 5, "maximum": 4}, 0),
    ],
)
def test_a_number_is_the_nearest_that_the_schema_allows(schema: dict[str, Any], expected: float) -> None:
    value = number_for(schema, "number", 7, [])
    assert value == expected
    jsonschema.Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize("schema", [{"minimum": 2.5}, {"maximum": 2.5}, {"exclusiveMinimum": 2, "maximum": 3}])
def test_an_integer_is_whole(schema: dict[str, Any]) -> None:
    for stated in (None, 2.0, 2.6, 100.0):
        value = number_for(schema, "integer", stated, [])
        assert isinstance(value, int)
        jsonschema.Draft202012Validator(schema).validate(value)


def test_the_other_numbers_of_the_prompt_are_taken_in_turn() -> None:
    others = [4.0, 5.0]
    assert [number_for({}, "integer", None, others) for _ in range(3)] == [4, 5, 1]
