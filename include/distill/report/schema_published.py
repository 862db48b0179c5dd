"""Define the schema of the part of ``report.json`` that contains published figures."""

from __future__ import annotations

from typing import Self

from pydantic import Field, StrictBool, model_validator

from include.distill.report.schema_base import Interval, Section, Share, require


class PublishedFigureSchema(Section):
    """One published preference of a judge for an arm over another. It was measured by others, on real models."""

    candidate: str = Field(description="Name of the arm of this use case that matches the preferred arm.")
    baseline: str = Field(description="Name of the arm of this use case that matches the other arm.")
    judge: str = Field(description="The judge.")
    preference: Share = Field(description="wins / (wins + losses), as published.")
    decided: int | None = Field(
        description="Number of questions that the interval is computed from; null if neither the counts nor the number"
        " of questions were published."
    )
    decided_is_assumed: StrictBool = Field(
        description="Whether `decided` is the number of all questions, because the number of ties was not published. If"
        " there were ties, the real interval is wider."
    )
    ci95: Interval | None = Field(
        description="95 % interval of `preference`, computed by this project for independent questions."
    )
    verified: StrictBool = Field(
        description="Whether the figure was read in a source of its own, besides this project's notes."
    )
    source: str = Field(description="Where the figure was read.")

    @model_validator(mode="after")
    def _interval_contains_the_preference(self) -> Self:
        if self.ci95 is not None:
            low, high = self.ci95
            require(low <= self.preference <= high, f"the interval {self.ci95} does not contain {self.preference}")
        return self


class PeopleSchema(Section):
    """The people who rated answers in a published experiment."""

    raters: int = Field(description="Number of people.")
    examples: int = Field(description="Number of examples that each of them rated.")


class PublishedSchema(Section):
    """The published results of an experiment. No verdict of the report depends on them."""

    title: str = Field(description="Title of the publication.")
    url: str = Field(description="Address of the publication.")
    published: str = Field(description="Day of the publication.")
    checked: str = Field(description="Day on which this project last checked the figures.")
    models: str = Field(description="The models of the published experiment, in a sentence.")
    questions: int | None = Field(description="Number of evaluation questions; null if it was not published.")
    arms: dict[str, str] = Field(description="What each arm of this use case was in the experiment.")
    people: PeopleSchema | None = Field(description="The people who rated answers; null if there were none.")
    figures: list[PublishedFigureSchema] = Field(description="The published preferences.")
