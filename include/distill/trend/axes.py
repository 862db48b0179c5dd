"""Lay out the axes of a chart over nights, and mark the nights on which something happened."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from include.distill.history.records import Measure
from include.distill.report.charts import line, text
from include.distill.report.drift_notes import MEASURE_NAMES
from include.distill.trend.nights import Night
from include.distill.trend.words import STATE_WORDS, Unit, day_text, tick_text

LEFT = 52
_RIGHT = 6
_LABEL_PIXELS = 96
_TICKS = 4
_TICK_PIXELS = 15
_LONG_DAYS = 300


class Plot(NamedTuple):
    """The plotting area: converts the number of a night and a value to pixels."""

    left: float
    right: float
    top: float
    bottom: float
    nights: int
    low: float
    high: float

    @property
    def slot(self) -> float:
        """The width of one night."""
        return (self.right - self.left) / max(1, self.nights)

    def x(self, index: float) -> float:
        """Return the middle of a night."""
        return self.left + (index + 0.5) * self.slot

    def y(self, value: float) -> float:
        """Return the height of a value."""
        return self.bottom - (self.bottom - self.top) * (value - self.low) / (self.high - self.low)


def plot_of(values: Sequence[float], *, nights: int, width: int, top: float, height: float, from_zero: bool) -> Plot:
    """
    Return the plotting area for values.

    :param from_zero: whether the axis begins at zero.
    """
    low, high = (0.0 if from_zero else min(values)), max(values)
    if high <= low:
        margin = 0.1 * abs(high) or 1.0
        low, high = (0.0 if from_zero else low - margin), high + margin
    elif not from_zero:
        margin = 0.06 * (high - low)
        low, high = low - margin, high + margin
    return Plot(LEFT, width - _RIGHT, top, top + height, nights, low, high)


def tick_step(span: float, ticks: int = _TICKS) -> float:
    """Return the distance of two ticks: 1, 2, 2.5 or 5 times a power of ten, so that at most ``ticks`` + 1 fit."""
    smallest = span / ticks
    power = 10.0 ** math.floor(math.log10(smallest))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= smallest * (1 - 1e-9))


def value_axis(plot: Plot, unit: Unit, *, reference: float | None = None) -> list[Markup]:
    """
    Draw the lines and labels of the value axis.

    :param reference: a value with a dashed line and a bold label.
    """
    step = tick_step(plot.high - plot.low)
    if unit == "count":
        step = max(1.0, math.ceil(step))
    body = []
    for number in range(math.ceil(plot.low / step - 1e-9), math.floor(plot.high / step + 1e-9) + 1):
        y = plot.y(number * step)
        if reference is not None and abs(y - plot.y(reference)) < _TICK_PIXELS:
            continue
        body.append(line(plot.left, y, plot.right, y, "grid"))
        body.append(text(plot.left - 8, y + 4, tick_text(number * step, unit, step), style="tick", anchor="end"))
    if reference is not None:
        y = plot.y(reference)
        body.append(line(plot.left, y, plot.right, y, "coin"))
        body.append(text(plot.left - 8, y + 4, tick_text(reference, unit, step), style="tick strong", anchor="end"))
    return body


def day_axis(plot: Plot, nights: Sequence[Night]) -> list[Markup]:
    """Draw the days below the plot: the first, the last, and as many between them as fit."""
    days = [night.started for night in nights]
    is_long = (days[-1] - days[0]).days > _LONG_DAYS
    count = max(2, min(len(days), int((plot.right - plot.left) / _LABEL_PIXELS)))
    last = len(days) - 1
    places = dict.fromkeys(round(last * number / (count - 1)) for number in range(count))
    body = []
    for index in places:
        label = f"{days[index]:%b %Y}" if is_long else f"{days[index]:%-d %b}"
        # The labels at the ends must not leave the chart.
        anchor, x = "middle", plot.x(index)
        if last and index == last:
            anchor, x = "end", plot.right
        elif index == 0 and last:
            anchor, x = "start", plot.left
        body.append(text(x, plot.bottom + 36, label, style="tick", anchor=anchor))
    return body


def champion_lines(plot: Plot, nights: Sequence[Night]) -> list[Markup]:
    """Draw a vertical line with a triangle on top at each night that changed the champion."""
    body = []
    for index, night in enumerate(nights):
        if night.champion_changed:
            x = plot.x(index)
            body.append(line(x, plot.top - 4, x, plot.bottom, "crowned"))
            body.append(
                Markup('<path d="M{:.1f} {:.1f}l5 9h-10z" class="crown"><title>{}</title></path>').format(
                    x, plot.top - 13, f"{day_text(night.started)}: new champion"
                )
            )
    return body


def event_marks(plot: Plot, nights: Sequence[Night]) -> list[Markup]:
    """Draw a mark below the plot at each night that failed, is not over, or had a change beyond chance."""
    y = plot.bottom + 12
    body = [line(plot.left, plot.bottom, plot.right, plot.bottom, "floor")]
    for index, night in enumerate(nights):
        x, day = plot.x(index), day_text(night.started)
        if night.state == "failed":
            body.append(_mark("M{0:.1f} {1:.1f}l7 7m0 -7l-7 7", "cross", x - 3.5, y - 3.5, f"{day}: failed"))
        elif night.state in ("running", "lost"):
            style = "open" if night.state == "running" else "gone"
            what = f"{day}: {STATE_WORDS[night.state]}"
            body.append(_mark("M{0:.1f} {1:.1f}a3.5 3.5 0 1 0 0.1 0z", style, x, y - 3.5, what))
        if night.drift:
            changed = ", ".join(MEASURE_NAMES[drift["measure"]] for drift in night.drift)
            body.append(_mark("M{0:.1f} {1:.1f}l5 5l-5 5l-5 -5z", "change", x, y - 5, f"{day}: {changed} changed"))
    return body


def drift_rings(plot: Plot, nights: Sequence[Night], values: Sequence[float | None], measure: Measure) -> list[Markup]:
    """Draw a ring around each value of a measure that changed beyond chance."""
    return [
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="7" class="ring"/>').format(plot.x(index), plot.y(value))
        for index, (night, value) in enumerate(zip(nights, values, strict=True))
        if value is not None and night.drifted(measure)
    ]


def _mark(path: str, style: str, x: float, y: float, title: str) -> Markup:
    return Markup('<path d="{}" class="{}"><title>{}</title></path>').format(path.format(x, y), style, title)
