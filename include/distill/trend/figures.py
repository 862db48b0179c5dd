"""Arrange the figures of nights as the charts and tables of a trend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from include.distill.history.records import Measure, SpendingKind
from include.distill.report.live_page import KIND_WORDS
from include.distill.trend.nights import Night
from include.distill.trend.words import NOTHING, Unit, added_text, figure_text, interval_text

# More parts than these would need colors and patterns that are too similar. The table has all parts.
MAX_PARTS = 6
_OTHERS = "all others"
# A bill lists the critic on lines of its own.
KIND_NAMES = {**KIND_WORDS, "teacher": "teacher"}


class Series(NamedTuple):
    """
    The values of one line, or of one part of each column, with one value per night.

    :ivar intervals: the 95 % intervals of the values; empty if the values have none.
    """

    name: str
    values: tuple[float | None, ...]
    intervals: tuple[tuple[float, float] | None, ...] = ()


class Column(NamedTuple):
    """A further column of the table behind a chart, with one text per night."""

    name: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """
    A chart over nights, and the table behind it.

    :param how: how to read the chart.
    :param shape: ``lines``, or ``columns`` that stack the series.
    :param unit: of all values.
    :param reference: a value that the chart marks with a line.
    :param measure: the measure whose changes beyond chance are marked on all lines, or at the top of the columns.
    :param details: series that only the table has.
    :param columns: further columns of the table.
    """

    key: str
    title: str
    how: str
    shape: Literal["lines", "columns"]
    unit: Unit
    series: tuple[Series, ...]
    reference: float | None = None
    measure: Measure | None = None
    details: tuple[Series, ...] = ()
    columns: tuple[Column, ...] = ()

    @property
    def has_values(self) -> bool:
        """Whether there is anything to draw."""
        return any(value is not None for series in self.series for value in series.values)

    def table_columns(self) -> list[Column]:
        """Return all columns of the table as text."""
        listed = (*self.details, *(series for series in self.series if series.name not in self._detailed))
        return [*(_as_column(series, self.unit) for series in listed), *self.columns]

    @property
    def _detailed(self) -> set[str]:
        return {series.name for series in self.details} | ({_OTHERS} if self.details else set())


def trend_figures(nights: Sequence[Night]) -> list[Figure]:
    """Return all charts of a use case's trend that have values."""
    figures = [
        preference_figure(nights),
        _accepted(nights),
        _dropped(nights),
        _cost(nights),
        _stored(nights),
        _loss(nights),
        _hours(nights),
        _data(nights),
    ]
    return [figure for figure in figures if figure.has_values]


def preference_figure(nights: Sequence[Night]) -> Figure:
    """Return the half-win rates of all judges over nights."""
    judges = dict.fromkeys(rate["judge"] for night in nights for rate in night.run.get("judges", ()))
    return Figure(
        "preference",
        "How much better the candidate is",
        "The half-win rate of the candidate against the baseline, by judge: a win counts 1, a tie ½ and a loss 0. At"
        " the dashed line, 50%, both are equally good. The thin vertical lines or the band show the 95% interval.",
        "lines",
        "share",
        tuple(_rates_of(judge, nights) for judge in judges),
        reference=0.5,
        measure="half_win_rate",
        columns=(
            _column("Compared", nights, _compared),
            _column("New champion", nights, _champion),
        ),
    )


def _rates_of(judge: str, nights: Sequence[Night]) -> Series:
    rates = [next((rate for rate in night.run.get("judges", ()) if rate["judge"] == judge), None) for night in nights]
    intervals = [rate["half_win_ci95"] if rate else None for rate in rates]
    return Series(
        judge,
        tuple(rate["half_win_rate"] if rate else None for rate in rates),
        tuple((bounds[0], bounds[1]) if bounds else None for bounds in intervals),
    )


def _compared(night: Night) -> str:
    candidate, baseline = night.run.get("candidate"), night.run.get("baseline")
    return f"{candidate} with {baseline}" if candidate and baseline else NOTHING


def _champion(night: Night) -> str:
    if not night.champion_changed:
        return NOTHING
    return night.run.get("promoted", "another model")


def _accepted(nights: Sequence[Night]) -> Figure:
    return Figure(
        "accepted",
        "Pairs that the filters accepted",
        "The share of the pairs requested from the teacher that all filters accepted.",
        "lines",
        "share",
        (Series("accepted", tuple(night.accepted_share for night in nights)),),
        measure="accepted_share",
        columns=tuple(
            _column(name.capitalize(), nights, _pair_count(name))
            for name in ("requested", "accepted", "rejected", "missing")
        ),
    )


def _pair_count(name: Literal["requested", "accepted", "rejected", "missing"]) -> Callable[[Night], str]:
    return lambda night: f"{night.run['pairs'][name]:,}" if "pairs" in night.run else NOTHING


def _dropped(nights: Sequence[Night]) -> Figure:
    names = dict.fromkeys(name for night in nights for name in _drops(night))
    series = [Series(name, tuple(_drop_share(night, name) for night in nights)) for name in names]
    return Figure(
        "dropped",
        "Pairs that each filter dropped",
        "The share of the requested pairs that each filter dropped. A pair is counted only under the first filter that"
        " rejects it.",
        "columns",
        "share",
        _largest(series),
        details=tuple(series),
    )


def _drops(night: Night) -> dict[str, int]:
    return night.run["pairs"]["dropped"] if "pairs" in night.run else {}


def _drop_share(night: Night, name: str) -> float | None:
    pairs = night.run.get("pairs")
    return pairs["dropped"].get(name, 0) / pairs["requested"] if pairs and pairs["requested"] else None


def _cost(nights: Sequence[Night]) -> Figure:
    kinds = [kind for kind in get_args(SpendingKind) if any(night.run["spent_by_kind"].get(kind) for night in nights)]
    series = [
        Series(
            KIND_NAMES[kind],
            tuple(
                None if night.run["spent_usd"] is None else night.run["spent_by_kind"].get(kind, 0.0)
                for night in nights
            ),
        )
        for kind in kinds
    ]
    return Figure(
        "cost",
        "What each run cost",
        "The bill of each run by what was paid for. Stored answers and models cost nothing, so they are not in it.",
        "columns",
        "usd",
        _largest(series),
        measure="usd_per_pair",
        details=tuple(series),
        columns=(
            _column("Bill", nights, lambda night: figure_text(night.run["spent_usd"], "usd")),
            _column("Estimated", nights, lambda night: figure_text(night.run["estimated_usd"], "usd")),
        ),
    )


def _stored(nights: Sequence[Night]) -> Figure:
    return Figure(
        "stored",
        "Calls that the answer store saved",
        "The share of the needed answers that were stored already, so that no call was needed.",
        "lines",
        "share",
        (Series("from the store", tuple(night.stored_share for night in nights)),),
        columns=(
            _column("From the store", nights, lambda night: _calls(night, "stored")),
            _column("New calls", nights, lambda night: _calls(night, "calls")),
        ),
    )


def _calls(night: Night, name: Literal["calls", "stored"]) -> str:
    return f"{night.run['calls'][name]:,}" if "calls" in night.run else NOTHING


def _loss(nights: Sequence[Night]) -> Figure:
    return Figure(
        "loss",
        "Training loss of the candidate",
        "The loss at the end of the training. It is comparable only between nights with the same student and settings.",
        "lines",
        "loss",
        (Series("training loss", tuple(night.run.get("training_loss") for night in nights)),),
    )


def _hours(nights: Sequence[Night]) -> Figure:
    return Figure(
        "duration",
        "How long each run took",
        "The time from the planned start to the end. It includes the time in which a run waited for a person.",
        "columns",
        "hours",
        (Series("duration", tuple(night.hours for night in nights)),),
    )


def _data(nights: Sequence[Night]) -> Figure:
    return Figure(
        "data",
        "Documents and questions",
        "The different documents of the input and the evaluation questions. The table says how many were added since"
        " the run before.",
        "lines",
        "count",
        (
            Series("documents", tuple(_row_count(night, "documents") for night in nights)),
            Series("evaluation questions", tuple(_row_count(night, "evaluation") for night in nights)),
        ),
        columns=(
            _column("Rows", nights, lambda night: figure_text(_row_count(night, "accepted"), "count")),
            _column("Rows added", nights, lambda night: added_text(night.rows_added)),
            _column("Documents added", nights, lambda night: added_text(night.documents_added)),
            _column("Questions added", nights, lambda night: added_text(night.questions_added)),
        ),
    )


def _row_count(night: Night, name: Literal["accepted", "documents", "evaluation"]) -> int | None:
    return night.run["rows"][name] if "rows" in night.run else None


def _column(name: str, nights: Iterable[Night], text: Callable[[Night], str]) -> Column:
    return Column(name, tuple(text(night) for night in nights))


def _as_column(series: Series, unit: Unit) -> Column:
    intervals = series.intervals or (None,) * len(series.values)
    return Column(
        series.name[:1].upper() + series.name[1:],
        tuple(
            figure_text(value, unit) + interval_text(interval)
            for value, interval in zip(series.values, intervals, strict=True)
        ),
    )


def _largest(series: Sequence[Series]) -> tuple[Series, ...]:
    """Return the largest series in their order, and the sum of all others as one series."""
    if len(series) <= MAX_PARTS:
        return tuple(series)
    by_size = sorted(series, key=lambda one: -sum(value or 0.0 for value in one.values))
    kept = {one.name for one in by_size[: MAX_PARTS - 1]}
    others = [one.values for one in series if one.name not in kept]
    sums = tuple(
        None if None in values else sum(value or 0.0 for value in values) for values in zip(*others, strict=True)
    )
    return (*(one for one in series if one.name in kept), Series(_OTHERS, sums))
