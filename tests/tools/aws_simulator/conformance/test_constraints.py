"""
Every operation checks the enums, lengths, patterns and ranges of all its input members.

Source: the constraints of the input shapes in botocore's service models. botocore's client checks few of them itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import Shape

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import refused
from tests.tools.aws_simulator.conformance.operations import OPERATIONS, call


def wrong_values(shape: Shape) -> Iterator[Any]:
    """Yield values that break a constraint of a shape, each of the right type."""
    rules = shape.metadata
    if shape.type_name == "string" and not rules.get("document"):
        if "enum" in rules:
            yield "NO_SUCH_VALUE"
        if "pattern" in rules and rules["pattern"] not in (".*", ".+"):
            yield "\u00fc \u00fc!"
        if "max" in rules and rules["max"] <= 2048:
            yield "a" * (int(rules["max"]) + 1)
    if shape.type_name in ("integer", "long", "float", "double"):
        if "min" in rules:
            yield int(float(rules["min"])) - 1
        if "max" in rules:
            yield int(float(rules["max"])) + 1


def cases() -> Iterator[Any]:
    for name, model in OPERATIONS.items():
        for member, shape in model.input_shape.members.items():
            location = shape.serialization.get("location")
            for value in wrong_values(shape):
                if location == "header" and not str(value).isascii():
                    continue  # HTTP does not carry it
                yield pytest.param(name, member, value, id=f"{name}-{member}-{str(value)[:12]}")


@pytest.mark.parametrize(("operation", "member", "value"), list(cases()))
def test_a_value_that_breaks_a_constraint_is_refused_and_named(
    simulator: RunningSimulator, operation: str, member: str, value: Any
) -> None:
    shape = OPERATIONS[operation].input_shape
    in_path = {name for name, part in shape.members.items() if part.serialization.get("location") == "uri"}
    arguments = {**dict.fromkeys(in_path, "amazon.nova-micro-v1:0"), member: value}
    with refused("ValidationException", f"'{member}' failed to satisfy constraint", status=400):
        call(simulator, operation, arguments)


@pytest.mark.parametrize(
    "operation", [name for name, model in OPERATIONS.items() if model.http["method"] in ("POST", "PATCH")]
)
def test_a_missing_required_member_is_named(simulator: RunningSimulator, operation: str) -> None:
    shape = OPERATIONS[operation].input_shape
    in_path = {name for name, part in shape.members.items() if part.serialization.get("location") == "uri"}
    arguments = dict.fromkeys(in_path, "amazon.nova-micro-v1:0")
    required = [name for name in shape.required_members if name not in in_path]
    for name in required:
        with refused("ValidationException", f"Value null at '{name}'", status=400):
            call(simulator, operation, arguments)
