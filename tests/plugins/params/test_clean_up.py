from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import Param
from airflow.sdk.exceptions import ParamValidationError

from bedrock_distill.params.clean_up import clean_up_params
from include.distill.cleanup.choice import CleanUpChoice, parse_clean_up_choice


@pytest.fixture
def form() -> dict[str, Param]:
    return clean_up_params(["aws_docs_qa", "compare_arms"])


def test_by_default_the_clean_up_lists_everything_and_deletes_nothing(form: dict[str, Param]) -> None:
    values = {name: param.resolve() for name, param in form.items()}
    assert CleanUpChoice.model_validate(values) == CleanUpChoice()
    assert values["dry_run"] is True
    assert {name for name, value in values.items() if value is True} == {
        "dry_run",
        "throughput",
        "deployments",
        "custom_models",
        "run_objects",
    }


@pytest.mark.parametrize("name", ["all", "aws_docs_qa", "compare_arms"])
def test_the_form_offers_all_use_cases_or_one_of_them(form: dict[str, Param], name: str) -> None:
    assert form["use_case"].resolve(name) == name


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("use_case", "payroll", "is not one of"),
        ("older_than_days", -1, "minimum of 0"),
        ("older_than_days", 3651, "maximum of 3650"),
        ("dry_run", "no", "not of type 'boolean'"),
        ("confirm_buckets", 3, "not of type 'null', 'string'"),
    ],
)
def test_a_value_that_the_clean_up_would_refuse_is_refused_by_the_form(
    form: dict[str, Param], name: str, value: Any, reason: str
) -> None:
    with pytest.raises(ParamValidationError, match=reason):
        form[name].resolve(value)


@pytest.mark.parametrize("empty", ["", None])
def test_the_names_of_buckets_may_be_left_empty(form: dict[str, Param], empty: str | None) -> None:
    assert form["confirm_buckets"].schema["type"] == ["null", "string"]  # a field of type "string" must be filled in
    assert parse_clean_up_choice({"confirm_buckets": form["confirm_buckets"].resolve(empty)}) == CleanUpChoice()


def test_airflows_form_does_not_replace_a_negative_age_with_0(form: dict[str, Param]) -> None:
    """With 0 days, the clean-up would delete resources of any age."""
    assert not {"minimum", "maximum"} & set(form["older_than_days"].schema)


def test_without_a_use_case_there_is_still_a_form() -> None:
    """A clean-up also deletes the resources of use cases that no longer exist."""
    assert clean_up_params([])["use_case"].resolve() == "all"


def test_each_form_offers_its_own_use_cases() -> None:
    clean_up_params(["one"])
    with pytest.raises(ParamValidationError):
        clean_up_params(["other"])["use_case"].resolve("one")
