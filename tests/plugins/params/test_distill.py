from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import Param
from airflow.sdk.exceptions import ParamValidationError

from bedrock_distill.params.distill import trigger_params
from include.distill.config.parsing import OVERRIDES, parse_use_case
from include.distill.config.use_case import UseCase


@pytest.fixture
def form(use_case: UseCase) -> dict[str, Param]:
    return trigger_params(use_case)


def test_the_form_has_every_setting_that_may_be_changed_for_one_run(form: dict[str, Param]) -> None:
    assert set(form) == {*OVERRIDES, "ask_before_spending", "dry_run"}


def test_the_form_is_filled_with_the_values_of_the_use_case(use_case: UseCase) -> None:
    source = use_case.source.model_copy(update={"documents": 7, "evaluation_csv": None, "evaluation_rows": 9})
    synthesis = use_case.synthesis.model_copy(update={"pairs_per_document": 4})
    changed = use_case.model_copy(update={"source": source, "synthesis": synthesis, "max_spend_usd": 12.5})
    assert {name: param.resolve() for name, param in trigger_params(changed).items()} == {
        "training_csv": use_case.source.training_csv,
        "evaluation_csv": None,
        "documents": 7,
        "evaluation_rows": 9,
        "pairs_per_document": 4,
        "max_spend_usd": 12.5,
        "ask_before_spending": False,
        "dry_run": False,
    }


@pytest.mark.parametrize("name", OVERRIDES)
def test_every_field_with_a_value_in_the_use_case_may_be_left_empty(form: dict[str, Param], name: str) -> None:
    assert form[name].resolve(None) is None


def test_an_empty_dry_run_is_refused_because_it_could_mean_both(form: dict[str, Param]) -> None:
    with pytest.raises(ParamValidationError, match="'Dry run: true or false' was expected"):
        form["dry_run"].resolve(None)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (
            "documents",
            0,
            "'Documents: a whole number from 1 to 1,000,000, or an empty field for all records of the file'",
        ),
        ("documents", 1_000_001, "from 1 to 1,000,000"),
        ("documents", "8", "Documents: a whole number"),
        ("documents", True, "Documents: a whole number"),
        ("documents", 8.5, "Documents: a whole number"),
        ("documents", float("nan"), "Documents: a whole number"),
        ("documents", float("-inf"), "Documents: a whole number"),
        ("evaluation_rows", 0, "Evaluation rows: a whole number from 1 to 1,000,000"),
        ("pairs_per_document", 0, "Pairs per document: a whole number from 1 to 20"),
        ("pairs_per_document", 21, "from 1 to 20, or an empty field for the value in the use-case file"),
        ("max_spend_usd", 0, "Spend cap, US dollars: a number above 0 and at most 150"),
        ("max_spend_usd", 150.01, "150 is max_spend_usd in aws_docs_qa.yaml"),
        ("max_spend_usd", 1e300, "at most 150"),
        ("max_spend_usd", float("nan"), "at most 150"),
        ("max_spend_usd", float("inf"), "at most 150"),
        ("max_spend_usd", "3", "Spend cap, US dollars: a number"),
        ("training_csv", "  ", "Training CSV: a path or URI"),
        ("training_csv", 5, "Training CSV: a path or URI"),
        ("evaluation_csv", ["a.csv"], "Evaluation CSV: a path or URI"),
        ("dry_run", "yes", "Dry run: true or false"),
    ],
)
def test_a_value_out_of_range_is_refused_by_the_form(
    form: dict[str, Param], name: str, value: Any, reason: str
) -> None:
    with pytest.raises(ParamValidationError) as raised:
        form[name].resolve(value)
    sentence, _, rest = str(raised.value).partition("\n\n")
    assert reason in sentence
    assert "description" not in rest
    assert rest.endswith(f"On instance:\n    {value!r}")


@pytest.mark.parametrize("name", ["documents", "evaluation_rows", "pairs_per_document", "max_spend_usd"])
def test_airflows_form_does_not_replace_a_number_out_of_range(form: dict[str, Param], name: str) -> None:
    """The form replaces -5 with ``minimum``, so a real run with 1 document was started."""
    assert not {"minimum", "maximum"} & set(form[name].schema)
    with pytest.raises(ParamValidationError, match="On instance:\n    -5"):
        form[name].resolve(-5)


@pytest.mark.parametrize("name", ["documents", "evaluation_rows"])
def test_the_form_says_what_an_empty_number_means(form: dict[str, Param], name: str) -> None:
    assert "An empty field means all records of the file" in str(form[name].description)


def test_the_form_refuses_numbers_of_documents_that_can_never_be_enough(use_case: UseCase) -> None:
    arms = parse_use_case(
        {
            **use_case.model_dump(mode="json"),
            "arms": [{"name": "base", "kind": "base"}, {"name": "few", "originals": "all", "synthetic": 0}],
        },
        origin="test",
    )
    field = trigger_params(arms)["documents"]
    with pytest.raises(
        ParamValidationError,
        match=r"from 8 to 1,000,000, or an empty field .*arm few needs at least 8 training records",
    ):
        field.resolve(7)
    assert (field.resolve(8), field.resolve(None)) == (8, None)


def test_the_form_of_an_arm_with_a_fixed_size_explains_the_minimum(use_case: UseCase) -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "many", "originals": 500, "synthetic": 0}]
    field = trigger_params(parse_use_case({**use_case.model_dump(mode="json"), "arms": arms}, origin="test"))[
        "documents"
    ]
    explanation = (
        "arm many is trained on the first 500 rows. If you have fewer rows, reduce arms.originals and arms.synthetic in"
        " include/use_cases/aws_docs_qa.yaml"
    )
    assert explanation.capitalize()[:40] in str(field.description)
    with pytest.raises(ParamValidationError) as raised:
        field.resolve(499)
    assert explanation in str(raised.value)


@pytest.mark.parametrize("student", ["llama-3-1-8b", "claude-sonnet-4-6"])
def test_the_form_loads_whatever_number_the_use_case_file_has(use_case: UseCase, student: str) -> None:
    """A default that the form refuses would prevent the DAG from loading; ``preflight`` refuses it with the reason."""
    source = use_case.source.model_copy(update={"documents": 2})
    field = trigger_params(use_case.model_copy(update={"source": source, "student": student}))["documents"]
    assert field.resolve() == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("documents", 1), ("pairs_per_document", 20), ("max_spend_usd", 0.01), ("max_spend_usd", 150), ("dry_run", True)],
)
def test_a_value_at_its_limit_is_accepted(form: dict[str, Param], name: str, value: Any) -> None:
    assert form[name].resolve(value) == value
