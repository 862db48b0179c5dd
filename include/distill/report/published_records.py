"""Define the records of published figures, and of the day of a simulated account, in ``report.json``."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from include.distill.evaluation.records import ComparisonResult


class PublishedFigureRecord(TypedDict):
    """One published preference. The record is an entry in ``published.figures`` of report.json."""

    candidate: str
    baseline: str
    judge: str
    preference: float
    decided: int | None
    decided_is_assumed: bool  # True if ties were not published, so all questions count as decided
    ci95: list[float] | None
    verified: bool
    source: str


class PublishedPeople(TypedDict):
    """The people who rated answers. The record is ``published.people`` of report.json."""

    raters: int
    examples: int


class PublishedRecord(TypedDict):
    """The published results of an experiment. The record is ``published`` of report.json."""

    title: str
    url: str
    published: str
    checked: str
    models: str
    questions: int | None
    arms: dict[str, str]
    people: PublishedPeople | None
    figures: list[PublishedFigureRecord]


class PublishedRow(TypedDict):
    """A published figure and the run's comparison of the same arms by the same judge. The record is not stored."""

    figure: PublishedFigureRecord
    run: ComparisonResult | None


class OriginPart(TypedDict):
    """The part of the report that says whose models answered, and what others have published about the experiment."""

    simulated: bool
    simulated_as_of: NotRequired[str]
    published: NotRequired[PublishedRecord]
