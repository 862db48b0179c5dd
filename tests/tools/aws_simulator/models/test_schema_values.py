"""A value is made for any JSON schema, from the words of the prompt."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tools.aws_simulator.models.schema_values import value_for

PROMPT = "What is the weather in Paris, France in celsius? I stay 3 days."


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


TREE = {
    "$defs": {
        "node": an_object(name={"type": "string"}, children={"type": "array", "items": {"$ref": "#/$defs/node"}})
    },
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    "schema",
    [
        an_object(city={"type": "string"}, days={"type": "integer"}, unit={"enum": ["celsius", "fahrenheit"]}),
        an_object(tags={"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}),
        an_object(code={"type": "string", "minLength": 80}, short={"type": "string", "maxLength": 3}),
        an_object(share={"type": "number", "minimum": 0, "maximum": 1}, step={"type": "integer", "multipleOf": 5}),
        an_object(above={"type": "integer", "exclusiveMinimum": 10}),
        an_object(maybe={"anyOf": [{"type": "null"}, {"type": "boolean"}]}, none={"type": "null"}),
        an_object(either={"type": ["null", "string"]}, fixed={"const": 7}),
        an_object(pair={"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]}),
        {"allOf": [an_object(a={"type": "string"}) | {"additionalProperties": True}, {"required": ["b"]}]},
        TREE,
        {"type": "object"},
        {},
    ],
    ids=lambda schema: str(schema)[:60],
)
def test_the_value_follows_the_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(schema).validate(value_for(schema, PROMPT))


def test_values_come_from_the_prompt() -> None:
    schema = an_object(unit={"enum": ["fahrenheit", "celsius"]}, days={"type": "integer"}, text={"type": "string"})
    value = value_for(schema, PROMPT)
    assert (value["unit"], value["days"]) == ("celsius", 3)
    assert value["text"] in PROMPT
    assert value_for(schema, PROMPT) == value


@pytest.mark.parametrize("prompt", ["", "  ", "?"])
def test_a_prompt_without_words_still_gets_a_value(prompt: str) -> None:
    assert value_for(an_object(city={"type": "string"}), prompt)["city"]
