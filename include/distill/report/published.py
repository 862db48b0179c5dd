"""
Put published figures into a report, with the intervals that the source did not give.

The figures were published by others, on real models and other rows. They are shown next to the figures of the run, and
no verdict, warning or promotion depends on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.distill.config.published import PublishedFigure, PublishedResults, load_published
from include.distill.report.published_records import PublishedFigureRecord, PublishedRecord, PublishedRow
from include.distill.stats.intervals import wilson_interval

if TYPE_CHECKING:
    from include.distill.config.use_case import UseCase
    from include.distill.evaluation.records import ComparisonResult
    from include.distill.report.records import Report


def published_record(use_case: UseCase) -> PublishedRecord | None:
    """Return the part of the report about published figures; ``None`` if the use case names none."""
    if use_case.published is None:
        return None
    results = load_published(use_case.published)
    people = results.people
    return {
        "title": results.title,
        "url": results.url,
        "published": results.published.isoformat(),
        "checked": results.checked.isoformat(),
        "models": results.models,
        "questions": results.questions,
        "arms": results.arms,
        "people": {"raters": people.raters, "examples": people.examples} if people else None,
        "figures": [_with_interval(figure, results) for figure in results.figures],
    }


def _with_interval(figure: PublishedFigure, results: PublishedResults) -> PublishedFigureRecord:
    """
    Return a figure with Wilson's 95 % interval.

    The interval needs the number of decided questions. If it was not published, the number of evaluation questions
    takes its place, as if no question was a tie. With ties, the real interval is wider. There is no interval if neither
    number was published.
    """
    assumed = figure.wins is None or figure.losses is None
    decided, wins = results.questions, figure.wins
    if figure.wins is not None and figure.losses is not None:
        decided = figure.wins + figure.losses
    if wins is None and decided is not None:
        wins = round(figure.preference * decided)
    interval = None if wins is None or decided is None else wilson_interval(wins, decided)
    return {
        "candidate": figure.candidate,
        "baseline": figure.baseline,
        "judge": figure.judge,
        "preference": figure.preference,
        "decided": decided,
        "decided_is_assumed": assumed and decided is not None,
        "ci95": list(interval) if interval else None,
        "verified": figure.verified,
        "source": figure.source,
    }


def published_rows(report: Report) -> list[PublishedRow]:
    """Return each published figure with the run's comparison of the same arms by the same judge, if it has one."""
    published = report.get("published")
    if published is None:
        return []
    return [{"figure": figure, "run": _own(report["comparisons"], figure)} for figure in published["figures"]]


def _own(comparisons: Sequence[ComparisonResult], figure: PublishedFigureRecord) -> ComparisonResult | None:
    wanted = (figure["judge"], figure["candidate"], figure["baseline"])
    return next((c for c in comparisons if (c["judge"], c["candidate"], c["baseline"]) == wanted), None)
