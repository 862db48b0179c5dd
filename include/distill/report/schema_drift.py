"""Define the schema of the part of ``report.json`` that compares the run with the nights before."""

from __future__ import annotations

from typing import Self

from pydantic import Field, FiniteFloat, NonNegativeInt, model_validator

from include.distill.history.records import Measure
from include.distill.report.schema_base import Section, require


class DriftSchema(Section):
    """A measure of the run that differs from the nights before by more than chance."""

    measure: Measure = Field(description="The measure.")
    value: FiniteFloat = Field(description="The measure of this run.")
    expected: FiniteFloat = Field(description="The measure that the nights before let expect.")
    low: FiniteFloat = Field(description="The smallest value that chance explains.")
    high: FiniteFloat = Field(description="The largest value that chance explains.")
    runs: NonNegativeInt = Field(description="Number of earlier nights that were compared.")

    @model_validator(mode="after")
    def _value_is_beyond_chance(self) -> Self:
        require(
            not self.low <= self.value <= self.high,
            f"the {self.measure} {self.value} is not beyond the limits {self.low} and {self.high}",
        )
        return self
