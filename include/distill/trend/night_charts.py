"""
Draw charts over nights as inline SVG, with the elements of the report's charts.

Each run has one place on the horizontal axis, in the order of the planned starts. No meaning depends on color alone:
each line has its own dash pattern, each part of a column its own filling, and each kind of event a mark of its own
shape.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from markupsafe import Markup

from include.distill.report.charts import fit, line, svg, text
from include.distill.trend.axes import (
    LEFT,
    Plot,
    champion_lines,
    day_axis,
    drift_rings,
    event_marks,
    plot_of,
    value_axis,
)
from include.distill.trend.figures import Figure, Series
from include.distill.trend.nights import Night
from include.distill.trend.words import day_text, figure_text

_SERIES = 4
_LEGEND = 22
_BELOW = 44
_CROWN = 20
_NOTE = 18
_PIXELS_PER_LEGEND_CHARACTER = 7.8
# With less space for a night, its dot and the line of its interval would touch those of the next night.
_DOT_SLOT = 8.0
# With less space, columns cannot be told apart, so one column shows the mean of several runs.
_COLUMN_SLOT, _MEAN_COLUMN = 3.5, 10.0
_WIDEST_COLUMN = 26.0
_MEAN_OF = 7  # runs; a week of nights


def night_chart(
    figure: Figure, nights: Sequence[Night], *, width: int, height: float = 190, legend: bool = True
) -> Markup:
    """
    Draw a figure; empty if it has no values.

    :param legend: whether to draw the names of the series. A figure with a single series has no legend.
    """
    if not figure.has_values:
        return Markup("")
    rows = len(figure.series) if legend and len(figure.series) > 1 else 0
    return (_line_chart if figure.shape == "lines" else _column_chart)(figure, nights, width, height, rows)


def line_sample(index: int) -> Markup:
    """Draw a short piece of the line of a series, to put before its name in a text."""
    return Markup('<svg class="chart sample-line" width="28" height="10" aria-hidden="true">{}</svg>').format(
        line(0, 5, 28, 5, f"series{index % _SERIES}")
    )


def _line_chart(figure: Figure, nights: Sequence[Night], width: int, height: float, legend: int) -> Markup:
    top = _legend_height(legend) + _CROWN
    plot = plot_of(
        _reached(figure), nights=len(nights), width=width, top=top, height=height, from_zero=figure.unit == "count"
    )
    if figure.unit == "share":
        plot = plot._replace(low=max(0.0, plot.low), high=min(1.0, plot.high))
    body = [*(_legend(figure, width) if legend else ()), *value_axis(plot, figure.unit, reference=figure.reference)]
    body += champion_lines(plot, nights)
    for index, series in enumerate(figure.series):
        body += _line(series, plot, index, (index - (len(figure.series) - 1) / 2) * min(4.0, plot.slot / 4))
    return _finished(figure, nights, plot, body, width)


def _reached(figure: Figure) -> list[float]:
    """Return all values that the axis must contain."""
    ends = [end for series in figure.series for interval in series.intervals if interval for end in interval]
    reference = [] if figure.reference is None else [figure.reference]
    return [*ends, *reference, *(value for series in figure.series for value in series.values if value is not None)]


def _line(series: Series, plot: Plot, index: int, shift: float) -> list[Markup]:
    style = f"series{index % _SERIES}"
    is_dense = plot.slot < _DOT_SLOT
    places = [(number, value) for number, value in enumerate(series.values) if value is not None]
    if is_dense:
        body = _bands(series, plot, style)
        body += [_polyline(part, plot, f"step {style}") for part in _unbroken(places)]
        body.append(_polyline(_moving_mean(places), plot, style))
        return body
    body = [
        line(plot.x(number) + shift, plot.y(high), plot.x(number) + shift, plot.y(low), f"whisker {style}")
        for number, interval in enumerate(series.intervals)
        if interval
        for low, high in [interval]
    ]
    body += [_polyline(part, plot, style, shift) for part in _unbroken(places)]
    dot = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3" class="end {}"/>')
    return body + [dot.format(plot.x(number) + shift, plot.y(value), style) for number, value in places]


def _unbroken(places: Sequence[tuple[int, float]]) -> list[list[tuple[int, float]]]:
    """Split values where a night has none. The index minus the rank is constant within an unbroken part."""
    return [
        [place for _, place in part] for _, part in groupby(enumerate(places), key=lambda item: item[1][0] - item[0])
    ]


def _moving_mean(places: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """Return the mean of each value and the values around it. At the ends, fewer values are averaged."""
    reach = _MEAN_OF // 2
    means: list[tuple[float, float]] = []
    for index, (number, _) in enumerate(places):
        part = [value for _, value in places[max(0, index - reach) : index + reach + 1]]
        means.append((number, sum(part) / len(part)))
    return means


def _bands(series: Series, plot: Plot, style: str) -> list[Markup]:
    known = [(number, interval) for number, interval in enumerate(series.intervals) if interval]
    body = []
    for _, part in groupby(enumerate(known), key=lambda item: item[1][0] - item[0]):
        places = [place for _, place in part]
        upper = [f"{plot.x(number):.1f},{plot.y(high):.1f}" for number, (_, high) in places]
        lower = [f"{plot.x(number):.1f},{plot.y(low):.1f}" for number, (low, _) in reversed(places)]
        body.append(Markup('<polygon points="{}" class="band {}"/>').format(" ".join(upper + lower), style))
    return body


def _polyline(places: Iterable[tuple[float, float]], plot: Plot, style: str, shift: float = 0) -> Markup:
    points = " ".join(f"{plot.x(number) + shift:.1f},{plot.y(value):.1f}" for number, value in places)
    return Markup('<polyline points="{}" class="{}"/>').format(points, style)


def _column_chart(figure: Figure, nights: Sequence[Night], width: int, height: float, legend: int) -> Markup:
    plot = Plot(LEFT, width - 6, 0, height, len(nights), 0, 1)
    size = 1 if plot.slot >= _COLUMN_SLOT else math.ceil(_MEAN_COLUMN / plot.slot)
    top = _legend_height(legend) + _CROWN + (_NOTE if size > 1 else 0)
    plot = plot._replace(top=top, bottom=top + height)
    columns = [_mean_of(figure, start, start + size) for start in range(0, len(nights), size)]
    plot = plot._replace(high=1.04 * max((sum(column) for column in columns), default=0.0) or 1.0)
    body = [
        *(_filling(figure.key, index, width) for index in range(len(figure.series))),
        *(_legend(figure, width) if legend else ()),
        *value_axis(plot, figure.unit),
        *champion_lines(plot, nights),
    ]
    # The last column may be the mean of fewer runs.
    middles = [plot.x(start + (min(size, len(nights) - start) - 1) / 2) for start in range(0, len(nights), size)]
    thickness = min(_WIDEST_COLUMN, 0.8 * plot.slot * size)
    for index in range(len(figure.series)):
        shape = _part(columns, index, middles, plot, thickness)
        body.append(_filled(shape, index, f"{figure.key}-{index}-{width}"))
    if size > 1:
        body.append(text(0, _legend_height(legend) + 12, f"Each column is the mean of {size} runs.", style="tick"))
    return _finished(figure, nights, plot, body, width, stacked=size == 1)


def _mean_of(figure: Figure, start: int, end: int) -> list[float]:
    """Return the mean of each part over some nights. Nights without any value do not count."""
    parts = [series.values[start:end] for series in figure.series]
    known = [index for index in range(len(parts[0])) if any(part[index] is not None for part in parts)]
    return [sum(part[index] or 0.0 for index in known) / max(1, len(known)) for part in parts]


def _part(
    columns: Sequence[Sequence[float]], index: int, middles: Sequence[float], plot: Plot, thickness: float
) -> str:
    """Return the outline of one part of all columns. One element for each part keeps the page small."""
    outline = []
    for column, middle in zip(columns, middles, strict=True):
        below = sum(column[:index])
        if column[index] > 0:
            bottom, top = plot.y(below), plot.y(below + column[index])
            x = middle - thickness / 2
            outline.append(f"M{x:.1f} {bottom:.1f}V{top:.1f}H{x + thickness:.1f}V{bottom:.1f}z")
    return "".join(outline)


def _filled(outline: str, index: int, pattern: str) -> Markup:
    return Markup('<path d="{}" class="part" fill="url(#{})"/>').format(outline, pattern)


# The marks on the ground color of a part, each in a square of 8 by 8 pixels.
_MARKS = (
    "",
    "M-2 2l4 -4M0 8l8 -8M6 10l4 -4",
    "M2 1v2M6 5v2",
    "M0 4h8",
    "M4 0v8",
    "M0 0l8 8M8 0l-8 8",
)


def _filling(key: str, index: int, width: int) -> Markup:
    return Markup(
        '<defs><pattern id="{0}-{1}-{2}" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<rect width="8" height="8" class="ground{1}"/><path d="{3}" class="mark{1}"/></pattern></defs>'
    ).format(key, index, width, _MARKS[index % len(_MARKS)])


def _legend_height(rows: int) -> float:
    return _LEGEND * rows + 4.0 if rows else 0.0


def _legend(figure: Figure, width: int) -> list[Markup]:
    """Draw a row for each series, with its newest value."""
    body: list[Markup] = []
    for index, series in enumerate(figure.series):
        y = 9.0 + _LEGEND * index
        if figure.shape == "lines":
            body.append(line(0, y, 28, y, f"series{index % _SERIES}"))
        else:
            body.append(_filled(f"M0 {y - 7}h28v14h-28z", index, f"{figure.key}-{index}-{width}"))
        newest = next((value for value in reversed(series.values) if value is not None), None)
        shown = f"{figure_text(newest, figure.unit)} in the newest run"
        room = width - 36 - (len(shown) + 1) * _PIXELS_PER_LEGEND_CHARACTER
        body.append(text(36, y + 5, f"{fit(series.name, room, 'label')}: {shown}", style="label"))
    return body


def _finished(
    figure: Figure, nights: Sequence[Night], plot: Plot, body: list[Markup], width: int, *, stacked: bool = False
) -> Markup:
    if figure.measure is not None and (figure.shape == "lines" or stacked):
        for values in [_tops(figure)] if stacked else [series.values for series in figure.series]:
            body += drift_rings(plot, nights, values, figure.measure)
    body += [*event_marks(plot, nights), *day_axis(plot, nights)]
    return svg(
        figure.key,
        width,
        plot.bottom + _BELOW,
        title=figure.title,
        description=_description(figure, nights),
        body=body,
    )


def _tops(figure: Figure) -> list[float | None]:
    return [
        None if all(value is None for value in values) else sum(value or 0.0 for value in values)
        for values in zip(*(series.values for series in figure.series), strict=True)
    ]


def _description(figure: Figure, nights: Sequence[Night]) -> str:
    sentences = [f"{len(nights)} runs from {day_text(nights[0].started)} to {day_text(nights[-1].started)}."]
    for series in figure.series:
        known = [value for value in series.values if value is not None]
        if known:
            least, most, newest = (figure_text(value, figure.unit) for value in (min(known), max(known), known[-1]))
            sentences.append(f"{series.name}: {least} to {most}, last {newest}.")
    sentences.append("The table below the chart has all figures.")
    return " ".join(sentences)
