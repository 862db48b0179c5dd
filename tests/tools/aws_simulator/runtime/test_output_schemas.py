"""Schemas that structured outputs do not support are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.protocol.errors import ValidationException
from tools.aws_simulator.runtime.output_schemas import checked_schema


def closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(closed(score={"type": "integer", "enum": [1, 2]}), id="enum"),
        pytest.param(
            closed(words={"type": "array", "items": {"type": "string"}, "minItems": 1}), id="one item at least"
        ),
        pytest.param(closed(minimum={"type": "string"}), id="a property with the name of a keyword"),
        pytest.param(closed(when={"type": "string", "format": "date"}), id="format"),
        pytest.param(closed(maybe={"anyOf": [{"type": "string"}, {"type": "null"}]}), id="any of"),
        pytest.param(
            {**closed(a={"$ref": "#/$defs/x"}), "$defs": {"x": closed(b={"type": "string"})}}, id="definition"
        ),
        pytest.param(closed(a={"type": "string", "default": {"type": "object"}}), id="an object as a value"),
    ],
)
def test_a_supported_schema_is_returned(schema: dict[str, Any]) -> None:
    assert checked_schema("json_schema", schema) == schema


OPEN = "For 'object' type, 'additionalProperties' must be explicitly set to false"


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        pytest.param(None, "Input should be a valid dictionary", id="no schema"),
        pytest.param({"type": "object"}, OPEN, id="open"),
        pytest.param(closed(a={"type": "object", "additionalProperties": True}), OPEN, id="open inside"),
        pytest.param(closed(a={"type": ["object", "null"]}), OPEN, id="open or null"),
        pytest.param(closed(a={"anyOf": [{"type": "object"}, {"type": "null"}]}), OPEN, id="open in anyOf"),
        pytest.param({**closed(), "$defs": {"x": {"type": "object"}}}, OPEN, id="open in a definition"),
        pytest.param(closed() | {"required": "a"}, "the schema is invalid", id="not a JSON schema"),
        pytest.param(
            closed(a={"type": "number", "minimum": 0, "maximum": 1}),
            "For 'number' type, properties maximum, minimum are not supported",
            id="range",
        ),
        pytest.param(
            closed(a={"type": "array", "items": {"type": "string"}, "maxItems": 3}),
            "For 'array' type, property 'maxItems' is not supported",
            id="most items",
        ),
        pytest.param(
            closed(a={"type": "array", "items": {"type": "string"}, "minItems": 2}),
            "'minItems' values other than 0 or 1 are not supported",
            id="two items at least",
        ),
        pytest.param(
            closed(a={"type": "string", "minLength": 1}),
            "For 'string' type, property 'minLength' is not supported",
            id="length",
        ),
        pytest.param(
            {**closed(a={"$ref": "#/$defs/x"}), "$defs": {"x": closed(b={"$ref": "#/$defs/x"})}},
            "Recursive schemas are not supported",
            id="recursive",
        ),
        pytest.param(closed(a={"$ref": "#"}), "Recursive schemas are not supported", id="the root inside"),
    ],
)
def test_an_unsupported_schema_is_refused(schema: Any, complaint: str) -> None:
    with pytest.raises(ValidationException, match=r"output_config\.format\.schema") as caught:
        checked_schema("json_schema", schema)
    assert complaint in str(caught.value)


def test_another_kind_of_format_is_refused() -> None:
    with pytest.raises(ValidationException, match="Input should be 'json_schema'"):
        checked_schema("text", closed())
