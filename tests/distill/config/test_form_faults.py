"""Check that faults in a form name the field as the form shows it."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field, ValidationError

from include.distill.config.form_faults import field_name, form_faults


class Form(BaseModel):
    days: int = Field(0, ge=0, title="Older than (days)")
    name: str = Field("a", pattern="^[a-z]$", title="Name")


def test_every_fault_names_title_key_and_value() -> None:
    with pytest.raises(ValidationError) as raised:
        Form.model_validate({"days": -1, "name": "Ada"})
    assert form_faults(raised.value, Form, {"name": "one small letter, such as a"}) == (
        "'Older than (days)' (days) is -1: expected a whole number of at least 0;"
        " 'Name' (name) is 'Ada': one small letter, such as a"
    )


def test_a_long_value_is_cut() -> None:
    with pytest.raises(ValidationError) as raised:
        Form.model_validate({"name": 1000 * "x"})
    assert len(form_faults(raised.value, Form)) < 200


def test_the_name_of_a_field_has_the_title_and_the_key() -> None:
    assert field_name(Form, "days") == "'Older than (days)' (days)"
