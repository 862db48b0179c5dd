"""A value is made for any JSON schema, from the words of the prompt."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tools.aws_simulator.models.schema_values import UnfillableSchemaError, value_for

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
        an_object(code={"type": "string", "pattern": r"^[A-Z]{3}-\d{4}$"}),
        an_object(code={"type": "string", "pattern": "^[a-f]+$", "minLength": 40, "maxLength": 50}),
        an_object(ids={"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "minItems": 3}),
        an_object(flags={"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 2}),
        an_object(units={"type": "array", "items": {"enum": ["c", "f", "k"]}, "uniqueItems": True, "minItems": 3}),
        an_object(rows={"type": "array", "items": an_object(a={"type": "string"}), "uniqueItems": True, "minItems": 4}),
        an_object(mixed={"type": "array", "contains": {"type": "integer", "minimum": 5}, "minContains": 2}),
        an_object(other={"not": {"type": "string"}}, share={"type": "number", "exclusiveMaximum": 1}),
        an_object(between={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        an_object(above={"type": "integer", "minimum": 2.5}, even={"type": "integer", "multipleOf": 4, "maximum": 2}),
        an_object(map={"type": "object", "additionalProperties": {"type": "boolean"}, "minProperties": 2}),
        an_object(map={"type": "object", "patternProperties": {"^x-": {"type": "null"}}, "minProperties": 1}),
        an_object(map={"type": "object", "propertyNames": {"pattern": "^[a-c]+$"}, "minProperties": 2}),
        an_object(one={"oneOf": [{"type": "number"}, {"type": "integer"}]}),
        an_object(wide={"anyOf": [{"minimum": 5}, {"maximum": 1}], "type": "integer"}),
        {
            "properties": {"kind": {"enum": ["p"]}, "z": {"type": "integer"}},
            "required": ["kind"],
            "if": {"properties": {"kind": {"const": "p"}}},
            "then": {"required": ["z", "y"]},
        },
        {"type": "array", "minItems": 2.0, "items": {"type": "string", "minLength": 5.0, "maxLength": 7.0}},
        {"properties": {"a": True}, "required": ["a"], "dependentRequired": {"a": ["b"]}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": "boolean"}}},
        {"$id": "https://example.com/root", "$ref": "#/$defs/a", "$defs": {"a": {"type": "boolean"}}},
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


def test_a_pattern_is_taken_from_the_prompt_if_a_word_has_it() -> None:
    schema = an_object(code={"type": "string", "pattern": r"^[A-Z]{2}\d{3}$"})
    assert value_for(schema, "Which gate for flight LH400, please?") == {"code": "LH400"}


@pytest.mark.parametrize(
    "format_", ["date", "date-time", "time", "duration", "email", "hostname", "uri", "uuid", "ipv4", "ipv6", "regex"]
)
def test_a_format_is_followed(format_: str) -> None:
    schema = an_object(value={"type": "string", "format": format_})
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(value_for(schema, PROMPT))


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        pytest.param(an_object(a={"type": "string", "pattern": "^(?=b)a$"}), "properties/a/pattern", id="no text"),
        pytest.param(an_object(a={"type": "string", "pattern": r"^\p{L}$"}), "bad escape", id="not Python's"),
        pytest.param(an_object(a={"type": "integer", "minimum": 2, "maximum": 1}), "properties/a/m", id="no number"),
        pytest.param(an_object(a=False), "required", id="false"),
        pytest.param(an_object(a={"not": {}}), "properties/a/not", id="not anything"),
        pytest.param(
            an_object(a={"type": "array", "items": {"type": "null"}, "uniqueItems": True, "minItems": 2}),
            "uniqueItems",
            id="only one value",
        ),
        pytest.param({"$ref": "https://example.com/schema"}, "does not refer to a part", id="elsewhere"),
        pytest.param({"$ref": "#/$defs/missing"}, "does not refer to a part", id="missing"),
        pytest.param({"$dynamicRef": "#x"}, "does not refer to a part", id="dynamic"),
        pytest.param({"$ref": "#"}, "RecursionError", id="itself"),
        pytest.param({"allOf": [{"$ref": "#"}]}, "RecursionError", id="itself in allOf"),
        pytest.param(an_object(a={"type": "array", "minItems": 10**9}), "more than 20000 parts", id="many items"),
        pytest.param({"type": "object", "minProperties": 10**9}, "more than 20000 parts", id="many properties"),
        pytest.param({"type": "string", "minLength": 10**9}, "no strings with more", id="a long string"),
        pytest.param(
            {"type": "array", "minItems": 19_000, "items": {"type": "string", "minLength": 100_000}},
            "more than 20000 parts",
            id="many long strings",
        ),
        pytest.param(
            {"type": "array", "minItems": 19_000, "uniqueItems": True, "items": {"type": "integer"}},
            "more than 20000 parts",
            id="many unique items",
        ),
        pytest.param(an_object(a={"enum": []}), "an enum without values", id="no value"),
        pytest.param({"type": "string", "pattern": "^(a{10000}){10000}$"}, "pattern", id="a long pattern"),
    ],
)
def test_a_schema_that_cannot_be_followed_is_refused(schema: dict[str, Any], text: str) -> None:
    with pytest.raises(UnfillableSchemaError, match=text):
        value_for(schema, PROMPT)
