"""Check that a schema without top-level bounds accepts the same values, and that Airflow's form cannot change them."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from airflow.sdk import Param
from airflow.sdk.exceptions import ParamValidationError

from bedrock_distill.params.bounds import unclamped

SCHEMAS: list[dict[str, Any]] = [
    {"type": "integer", "minimum": 1, "maximum": 10},
    {"type": "integer", "minimum": 0},
    {"type": "integer", "maximum": 0},
    {"type": ["null", "integer"], "minimum": 1, "maximum": 10},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 2.5},
    {"type": "number", "minimum": -1, "exclusiveMaximum": 10},
    {"type": "integer", "minimum": 1, "allOf": [{"multipleOf": 2}]},
    {"type": "integer", "enum": [-5, 1, 2, 11], "minimum": 0},
    {"type": "string", "maxLength": 2},
    {"type": "array", "items": {"type": "integer", "minimum": 1}},
    {},
]
VALUES = [-5, -1, 0, 0.5, 1, 2, 2.5, 3, 10, 10.5, 11, None, True, "", "1", "abc", [], [0], [1]]


def accepts(schema: dict[str, Any], value: Any) -> bool:
    return bool(jsonschema.Draft7Validator(schema).is_valid(value))


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
class TestEverySchema:
    @pytest.mark.parametrize("value", VALUES, ids=repr)
    def test_the_same_values_are_accepted(self, schema: dict[str, Any], value: Any) -> None:
        assert accepts(unclamped(schema), value) is accepts(schema, value)

    def test_the_form_finds_no_bound_at_the_top_level(self, schema: dict[str, Any]) -> None:
        assert not {"minimum", "maximum"} & set(unclamped(schema))

    def test_everything_else_stays_where_the_form_looks_for_it(self, schema: dict[str, Any]) -> None:
        kept = {key: value for key, value in schema.items() if key not in ("minimum", "maximum", "allOf")}
        assert {key: value for key, value in unclamped(schema).items() if key != "allOf"} == kept

    def test_the_given_schema_is_not_changed(self, schema: dict[str, Any]) -> None:
        before = repr(schema)
        unclamped(schema)
        assert repr(schema) == before

    def test_a_second_call_changes_nothing(self, schema: dict[str, Any]) -> None:
        assert unclamped(unclamped(schema)) == unclamped(schema)


def test_a_schema_without_bounds_gets_no_rule() -> None:
    assert unclamped({"type": "string", "title": "Name"}) == {"type": "string", "title": "Name"}


def test_the_rules_that_a_schema_already_has_are_kept() -> None:
    schema = {"type": "integer", "allOf": [{"multipleOf": 2}], "minimum": 1}
    assert unclamped(schema)["allOf"] == [{"multipleOf": 2}, {"minimum": 1}]


@pytest.mark.parametrize("value", [-5, 0, 11])
def test_airflow_refuses_a_number_out_of_range_when_the_run_is_triggered(value: int) -> None:
    with pytest.raises(ParamValidationError):
        Param(5, **unclamped({"type": "integer", "minimum": 1, "maximum": 10})).resolve(value)


@pytest.mark.parametrize("value", [1, 10])
def test_airflow_accepts_the_bounds_themselves(value: int) -> None:
    assert Param(5, **unclamped({"type": "integer", "minimum": 1, "maximum": 10})).resolve(value) == value
