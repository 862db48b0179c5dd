"""Patterns that Python's engine would take years to match."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tools.aws_simulator.models.bounded_patterns import BoundedPatterns, CostlyPatternError, without_dialects
from tools.aws_simulator.models.schema_values import UnfillableSchemaError, value_for

LONG = "a" * 60 + "!"
LINEAR = [
    r"^(a+)+$",
    r"^(a|a)*$",
    r"^(a|aa)+$",
    r"^(\w+\s?)*$",
    r"^(.*a){20}$",
    r"^(?:a?){60}a{60}$",
    r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}[a-z]{2,3}$",
]
COSTLY = [
    r"^(?=(a+)+$)",
    r"^(a+)+\1$",
    r"^(?!x)(a|a)*$",
    r"^(a|b\Z|aa)+$",
    r"(?<=x)(a+)+$",
    r"^(\w{1000}){10}(a+)+$",
    r"^[a&&b](a+)+$",
    r"^a*a*a*a*a*a*b(?=c)",
    r"^(a?){60}a{60}\Z",
    r"^(a)?(?(1)(a+)+|b)$",
]


@pytest.mark.parametrize("pattern", LINEAR)
def test_a_pattern_without_lookarounds_is_matched_in_linear_time(pattern: str) -> None:
    assert BoundedPatterns().matches(pattern, LONG) is False


@pytest.mark.filterwarnings("ignore:Possible")
@pytest.mark.parametrize("pattern", COSTLY)
def test_another_pattern_is_refused_if_its_check_could_take_too_long(pattern: str) -> None:
    with pytest.raises(CostlyPatternError, match="could take too long to check on a text of 61 characters"):
        BoundedPatterns().matches(pattern, LONG)


@pytest.mark.filterwarnings("ignore:Possible")
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$", "Passw0rd" * 8),
        (r"^(?!-)([a-z]+\.)+[a-z]+$", "a.b"),
        (r"^(?!-)([a-z]+\.)+[a-z]+$", "-a.b"),
        (r"([a-z]+)\1", "abcabc"),
        (r"^(?=a).*$", "a" * 500),
        (r"(?i)^ABC\Z", "abc"),
        (r"[[a]b", "[b"),
        (r"^\d{3}-\d{4}$", "555-1234"),
        (r"^\d{3}-\d{4}$", "555-12345"),
        (r"^([\w-]+\.)+\w+$", "docs.example.com"),
        (r"b", "abc"),
        (r"^[A-Z]{2,3}$", "abc"),
        (r"^x*+x", "xx"),
        (r"", ""),
    ],
)
def test_the_result_is_that_of_python(pattern: str, text: str) -> None:
    assert BoundedPatterns().matches(pattern, text) == (re.search(pattern, text) is not None)


def test_the_checks_of_one_answer_have_a_limit_together() -> None:
    patterns = BoundedPatterns()
    with pytest.raises(CostlyPatternError, match="the patterns of the schema, such as 'b', take too long"):
        any(patterns.matches("b", "a") for _ in range(100_000))


def one(**keywords: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": keywords}, "required": ["x"]}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(one(type="string", pattern=r"^(?=(a+)+$)b"), id="pattern"),
        pytest.param(one(const=LONG, pattern=r"^(?=(a+)+$)"), id="const"),
        pytest.param(one(type="string", **{"not": {"pattern": r"^(?!(a+)+$)"}}), id="not"),
        pytest.param({"type": "object", "required": [LONG], "patternProperties": {r"^(a+)+$": {}}}, id="names"),
        pytest.param(
            {"type": "object", "required": [LONG], "additionalProperties": {}, "patternProperties": {r"^(a+)+$": {}}},
            id="additionalProperties",
        ),
        pytest.param(
            {
                "properties": {LONG: {}},
                "unevaluatedProperties": False,
                "allOf": [{"patternProperties": {"(a+)+$": {}}}],
            },
            id="unevaluatedProperties",
        ),
        pytest.param(one(type="string", pattern=r"^[01]{5000}x", minLength=100_000), id="length"),
    ],
)
def test_a_schema_whose_check_could_take_too_long_cannot_be_filled_in(schema: dict[str, Any]) -> None:
    with pytest.raises(UnfillableSchemaError, match=r"the patterns? .* tak(e|ing) too long to check"):
        value_for(schema, f"Is {LONG} a word?")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (one(type="string", pattern=r"^(a+)+!$"), {"x": "a!"}),
        (one(type="string", pattern=r"^(a+)+$"), {"x": "a" * 60}),
        (
            one(**{"$schema": "http://json-schema.org/draft-07/schema#", "type": "string", "pattern": r"^(a+)+$"}),
            {"x": "a" * 60},
        ),
        (
            {
                "type": "object",
                "properties": {"x-a": {"const": 1}},
                "patternProperties": {r"^x-[a-z]+$": {"type": "integer"}},
                "additionalProperties": False,
            },
            {"x-a": 1},
        ),
    ],
)
def test_a_schema_that_only_looks_costly_is_filled_in(schema: dict[str, Any], value: Any) -> None:
    assert value_for(schema, f"Is {LONG} a word?") == value


def test_the_dialect_is_left_out_but_not_a_property_of_its_name() -> None:
    schema = {"$schema": "x", "properties": {"$schema": {"const": {"$schema": "y"}}}, "allOf": [{"$schema": "z"}]}
    assert without_dialects(schema) == {"properties": {"$schema": {"const": {"$schema": "y"}}}, "allOf": [{}]}
