"""The pages name the fields of the trigger forms as Airflow shows them."""

from __future__ import annotations

import re

from pydantic import BaseModel

from bedrock_distill.params.distill import trigger_params
from include.distill.cleanup.choice import CleanUpChoice
from include.distill.config.loader import load_use_cases
from include.distill.config.parsing import OVERRIDES
from include.distill.labeling.label_params import LabelParams
from tests.docs.pages import page, rows, section


def titles(model: type[BaseModel]) -> list[str]:
    return [field.title or name for name, field in model.model_fields.items()]


def test_the_page_of_the_clean_up_names_every_field_with_its_default() -> None:
    text = page("how-to/clean_up.md")
    defaults = {cells[0]: cells[1] for cells in rows(text)}
    shown = {True: "on", False: "off", "": "empty"}
    for field in CleanUpChoice.model_fields.values():
        title = field.title or ""
        if title in ("Use case", "Dry run"):  # explained in the steps
            assert title.lower() in text.lower()
        else:
            known = isinstance(field.default, bool | str)
            assert defaults[title] == (shown[field.default] if known else str(field.default)), title


def test_the_page_of_the_clean_up_ticks_only_fields_of_the_form() -> None:
    ticked = re.findall(r"\*\*([^*]+)\*\* (?:is )?ticked", page("how-to/clean_up.md"))
    assert {"Dry run", "Include unexpired"} <= set(ticked) <= set(titles(CleanUpChoice))


def test_the_page_of_labeling_names_every_field() -> None:
    text = page("how-to/label_a_sample.md")
    missing = [title for title in titles(LabelParams) if f"**{title}**" not in text]
    assert missing == [], f"name the fields {missing} in docs/how-to/label_a_sample.md"


def test_the_reference_names_every_value_that_a_run_may_change() -> None:
    form = section(page("reference/use_cases.md"), "## The trigger form")
    fields = {*OVERRIDES, *trigger_params(load_use_cases().valid[0])}
    missing = sorted(name for name in fields if f"`{name}`" not in form)
    assert missing == [], f'name {missing} in docs/reference/use_cases.md, "The trigger form"'


def test_the_tutorial_and_the_first_run_name_fields_of_the_form() -> None:
    form = {name: param.schema["title"] for name, param in trigger_params(load_use_cases().valid[0]).items()}
    tutorial, first_run = page("tutorial/from_csv_to_verdict.md"), page("how-to/first_run_on_aws.md")
    missing = [n for n in ("training_csv", "evaluation_csv", "dry_run") if f"**{form[n]}**" not in tutorial]
    assert missing == [], f"docs/tutorial/from_csv_to_verdict.md does not have the titles of the fields {missing}"
    missing = [n for n in ("documents", "evaluation_rows") if f"**{form[n]}**" not in first_run]
    assert missing == [], f"docs/how-to/first_run_on_aws.md does not have the titles of the fields {missing}"
