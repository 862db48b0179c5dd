"""Compare the model of report.json with the JSON Schema, the typed records and a report of an earlier version."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from include.distill.core.errors import ReconciliationError
from include.distill.core.paths import PROJECT_ROOT
from include.distill.report.build import build_report
from include.distill.report.records import Report
from include.distill.report.schema import SCHEMA_PATH, ReportSchema, check_report, render_json_schema
from tests.distill.report.example_report import inputs

OBJECTS = PROJECT_ROOT / "tests/data/state_3f47053/stand_in/s3/bedrock-distill-training/objects"


@pytest.fixture(scope="module")
def stored_report() -> Any:
    """Read the report that commit 3f47053 wrote. A stored file has a line with the key, and then the body."""
    for path in OBJECTS.iterdir():
        head, _, body = path.read_bytes().partition(b"\n")
        if json.loads(head)["key"].endswith("/report/report.json"):
            return json.loads(body)
    raise AssertionError


def parts_of(annotation: Any) -> Iterator[Any]:
    """Yield the types in an annotation. For a list, a map, an optional or an annotated type, yield the types inside."""
    arguments = [argument for argument in typing.get_args(annotation) if argument is not types.NoneType]
    if arguments and not isinstance(annotation, type(typing.Literal["a"])):
        for argument in arguments:
            yield from parts_of(argument)
    else:
        yield annotation


def shape(kind: Any) -> Any:
    """Return the keys of a TypedDict or pydantic model and of the records inside, or ``None`` for a plain value."""
    if typing.is_typeddict(kind):
        annotations = typing.get_type_hints(kind)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        annotations = {name: field.annotation for name, field in kind.model_fields.items()}
    else:
        return None
    return {
        name: next((inner for part in parts_of(annotation) if (inner := shape(part))), None)
        for name, annotation in annotations.items()
    }


def test_the_json_schema_in_the_docs_is_up_to_date() -> None:
    assert SCHEMA_PATH.read_text(encoding="utf-8") == render_json_schema(), (
        "Run: python -m include.distill.report.schema"
    )


def test_the_report_model_has_the_same_keys_as_the_typed_records() -> None:
    assert shape(ReportSchema) == shape(Report)


def test_a_report_of_commit_3f47053_is_valid_and_is_dumped_unchanged(stored_report: Any) -> None:
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))).validate(stored_report)
    assert json.dumps(check_report(stored_report)) == json.dumps(stored_report)  # the keys also keep their order


def test_a_new_report_matches_the_json_schema() -> None:
    jsonschema.Draft202012Validator(json.loads(render_json_schema())).validate(build_report(**inputs()))


@pytest.mark.parametrize(
    "change",
    [{"verdict": 3}, {"simulated": "no"}, {"arms": [{"name": "base"}]}, {"data_cards": [{"arm": "tuned"}]}],
    ids=str,
)
def test_the_model_and_the_json_schema_refuse_the_same_reports(stored_report: Any, change: dict[str, Any]) -> None:
    changed = {**stored_report, **change}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json.loads(render_json_schema())).validate(changed)
    with pytest.raises(ReconciliationError, match=next(iter(change))):
        check_report(changed)


def test_every_key_of_the_json_schema_has_a_description() -> None:
    schema = json.loads(render_json_schema())
    models = {"Report": schema, **schema["$defs"]}
    assert len(models) > 20
    assert not [
        f"{model}.{key}"
        for model, definition in models.items()
        for key, value in definition["properties"].items()
        if not value.get("description")
    ]


def test_the_error_about_an_invalid_report_names_the_run_the_place_and_the_next_step(stored_report: Any) -> None:
    with pytest.raises(ReconciliationError) as caught:
        check_report({**stored_report, "cost": {**stored_report["cost"], "actual_usd": 99.0}})
    for words in (
        "local-20261126t041540-3222a226",
        "cost: actual_usd 99.0",
        "The report was not written",
        "Clear report with downstream",
    ):
        assert words in str(caught.value)
