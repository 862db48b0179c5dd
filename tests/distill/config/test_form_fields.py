from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from include.distill.config.form_fields import FORM_FIELDS, form_fields, new_run_advice
from include.distill.config.parsing import OVERRIDES

FIELDS = form_fields("tiny", 12.5, documents=(500, "arm many is trained on 500 rows"))
VALUES = [
    None, True, False, -5, 0, 1, 1.0, 8, 8.5, 12.5, 12.51, 20, 21, 499, 500, 10**6, 10**6 + 1, 10**400, 1e300,
    float("nan"), float("inf"), float("-inf"), "8", "nan", " ", "\t\n", "a.csv", "s3://b/a.csv", [], [8], {}, {"a": 1},
]  # fmt: skip


@pytest.mark.parametrize("key", FIELDS)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_airflow_and_preflight_accept_the_same_values(key: str, value: Any) -> None:
    field = FIELDS[key]
    assert jsonschema.Draft202012Validator(field.schema()).is_valid(value) is (field.problem(value) is None)


@pytest.mark.parametrize("key", FIELDS)
def test_the_sentence_comes_first_even_if_the_type_is_wrong_too(key: str) -> None:
    stored = json.loads(json.dumps(FIELDS[key].schema(), sort_keys=True))  # Airflow stores the schema as JSON
    for schema in (FIELDS[key].schema(), stored):
        with pytest.raises(jsonschema.ValidationError) as raised:
            jsonschema.validate([], schema)
        assert raised.value.message == f"'{FIELDS[key].title}: {FIELDS[key].expected}' was expected"


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (
            "documents",
            -5,
            "Documents (documents) is -5; expected a whole number from 500 to 1,000,000, or an empty field for all"
            " records of the file (arm many is trained on 500 rows)",
        ),
        (
            "max_spend_usd",
            True,
            "Spend cap, US dollars (max_spend_usd) is true; expected a number above 0 and at most 12.5, or an empty"
            " field for the value in the use-case file (12.5 is max_spend_usd in tiny.yaml; only an edit of the file"
            " can raise it)",
        ),
        ("dry_run", "no", "Dry run (dry_run) is 'no'; expected true or false"),
        (
            "training_csv",
            "  ",
            "Training CSV (training_csv) is '  '; expected a path or URI, or an empty field for the file in the"
            " use-case file",
        ),
    ],
)
def test_a_refused_value_is_described_with_title_key_value_and_range(key: str, value: Any, sentence: str) -> None:
    assert FIELDS[key].problem(value) == sentence


@pytest.mark.parametrize("key", OVERRIDES)
@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_field_is_accepted(key: str, empty: object) -> None:
    assert FIELDS[key].problem(empty) is None


def test_the_text_below_each_field_names_the_key_and_what_an_empty_field_means() -> None:
    for field in FIELDS.values():
        assert field.help.endswith(f"Key: {field.key}.")
        assert (f"An empty field means {field.if_empty}." in field.help) is (field.key in OVERRIDES)
    assert "Arm many is trained on 500 rows." in FIELDS["documents"].help


def test_the_advice_names_every_field_and_its_value() -> None:
    one = new_run_advice({"documents": 1})
    assert one == (
        "Trigger a new run with another value of Documents (documents), now 1. Clearing a task of this run keeps the"
        " value."
    )
    two = new_run_advice({"documents": 1, "training_csv": "a.csv"})
    assert "now 1, Training CSV (training_csv), now a.csv. Clearing a task of this run keeps these values." in two


def test_titles_and_keys_are_unique() -> None:
    assert len({field.title for field in FORM_FIELDS.values()}) == len(FORM_FIELDS) == 8
