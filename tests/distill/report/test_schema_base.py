"""Test the parts that all models of report.json share."""

from __future__ import annotations

import math

import pytest
from pydantic import Field, ValidationError

from include.distill.report.schema_base import Interval, Loss, Section, Share, optional_key, require


class Example(Section):
    name: str = Field(description="A name.")
    share: Share | None = Field(default=None, description="A share.")
    loss: Loss = Field(default=None, description="A loss.")
    later: int = optional_key("A count.", absent="from reports of earlier versions", default=0)
    interval: Interval | None = optional_key("An interval.", absent="without a name")


def test_an_absent_optional_key_stays_absent_and_other_absent_keys_get_their_default() -> None:
    assert Example.model_validate({"name": "a"}).model_dump() == {"name": "a", "share": None, "loss": None}


def test_an_optional_key_that_is_present_is_kept_even_if_its_value_is_null() -> None:
    given = {"name": "a", "share": 0.5, "loss": 1.0, "later": 0, "interval": None}
    assert Example.model_validate(given).model_dump() == given


def test_the_description_of_an_optional_key_states_when_the_key_is_absent() -> None:
    described = Example.model_json_schema()["properties"]["later"]
    assert described["description"] == "A count. Absent from reports of earlier versions."
    assert described["x-may-be-absent"] is True


def test_keys_that_a_section_does_not_name_are_kept() -> None:
    assert Example.model_validate({"name": "a", "more": [1]}).model_dump()["more"] == [1]


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_becomes_null(loss: float) -> None:
    assert Example.model_validate({"name": "a", "loss": loss}).loss is None


@pytest.mark.parametrize("changes", [{"share": 1.01}, {"interval": [0.1]}, {"interval": [0.1, math.nan]}], ids=str)
def test_a_value_out_of_range_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate({"name": "a", **changes})


def test_a_condition_that_does_not_hold_raises_an_error_with_the_given_message() -> None:
    require(True, "fine")
    with pytest.raises(ValueError, match="a row is missing"):
        require(False, "a row is missing")
