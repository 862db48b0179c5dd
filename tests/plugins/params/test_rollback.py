from __future__ import annotations

import pytest
from airflow.sdk.exceptions import ParamValidationError

from bedrock_distill.params.rollback import rollback_params
from include.distill.evaluation.rollback_form import RollbackForm


def test_the_form_has_the_use_case_and_where_to_go_back() -> None:
    fields = rollback_params(["a", "b"])
    assert {name: param.schema["title"] for name, param in fields.items()} == {"use_case": "Use case", "to": "Back to"}
    assert fields["use_case"].schema["enum"] == ["a", "b"]
    assert '"previous"' in fields["to"].description


def test_a_use_case_must_be_chosen() -> None:
    form = rollback_params(["a", "b"])
    with pytest.raises(ParamValidationError, match="No value passed"):
        form["use_case"].resolve()
    with pytest.raises(ParamValidationError, match="'c' is not one of"):
        form["use_case"].resolve("c")
    assert RollbackForm(use_case=form["use_case"].resolve("b"), to=form["to"].resolve()).to == "previous"


def test_a_folder_without_valid_use_cases_still_has_a_form() -> None:
    assert "enum" not in rollback_params([])["use_case"].schema
