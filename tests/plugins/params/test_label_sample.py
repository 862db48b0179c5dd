from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import Param
from airflow.sdk.exceptions import ParamValidationError

from bedrock_distill.params.label_sample import label_params
from include.distill.labeling.label_params import ASK_WORKERS, LabelParams

OPTIONAL = {"run_key", "candidate", "baseline", "labelled_csv", "labeller"}


@pytest.fixture
def form() -> dict[str, Param]:
    return label_params()


def test_by_default_the_form_selects_the_newest_run(form: dict[str, Param]) -> None:
    values = {name: param.resolve() for name, param in form.items()}
    assert LabelParams.model_validate(values) == LabelParams()


def test_the_form_does_not_offer_another_use_case(form: dict[str, Param]) -> None:
    assert "use_case" not in form


def test_an_optional_field_is_shown_as_a_text_field(form: dict[str, Param]) -> None:
    """Airflow shows a field with ``anyOf`` as a JSON editor."""
    types = {name: param.schema["type"] for name, param in form.items()}
    assert {name for name, kind in types.items() if kind == ["null", "string"]} == OPTIONAL
    assert {name for name, kind in types.items() if isinstance(kind, str)} == set(form) - OPTIONAL
    assert not any("anyOf" in param.schema for param in form.values())


def test_airflows_form_does_not_replace_a_number_out_of_range(form: dict[str, Param]) -> None:
    assert not any({"minimum", "maximum"} & set(param.schema) for param in form.values())


@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_an_optional_field_may_be_left_empty(form: dict[str, Param], name: str) -> None:
    assert form[name].resolve(None) is None


@pytest.mark.parametrize("how", ["ask in Airflow", "write the sheet only", "read a labelled sheet"])
def test_every_way_to_label_can_be_chosen(form: dict[str, Param], how: str) -> None:
    assert form["how"].resolve(how) == how


def test_workers_can_be_asked_only_if_the_use_case_names_workers(form: dict[str, Param]) -> None:
    assert label_params(workers=True)["how"].resolve(ASK_WORKERS) == ASK_WORKERS
    with pytest.raises(ParamValidationError, match="is not one of"):
        form["how"].resolve(ASK_WORKERS)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("how", "guess", "is not one of"),
        ("run_key", "Manual 1", "does not match"),
        ("labeller", "Ann Lee", "does not match"),
        ("labeller", "a" * 41, "too long"),
        ("examples", 0, "minimum of 1"),
        ("hours", 0, "minimum of 0"),
    ],
)
def test_a_value_that_the_tasks_would_refuse_is_refused_by_the_form(
    form: dict[str, Param], name: str, value: Any, reason: str
) -> None:
    with pytest.raises(ParamValidationError, match=reason):
        form[name].resolve(value)
