"""
Draw the report's charts as inline SVG.

A chart is drawn for a fixed width in pixels and not scaled, so its text stays readable on a phone. No meaning depends
on color alone: bars for clear differences are filled, bars for lost items and for differences that could be chance are
hatched, and each line has its own dash pattern. All text is escaped with markupsafe, because people choose the names of
arms and judges.

No plotting library is used, because the page must work as a single file without scripts, and a plotting library would
add images or scripts to the page.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from include.distill.training.losses import loss_means, moving_mean
from include.distill.training.records import LossPoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from include.distill.dataset.records import SourceCounts
    from include.distill.evaluation.records import ComparisonResult
    from include.distill.report.records import ReportArm, ReportSynthesis

# Average width of a character in pixels, for each text style of report.css. The values are deliberately a
# little too high, because fonts differ.
_PIXELS_PER_CHARACTER = {"strong": 8.7, "label": 7.8, "tick": 6.9}
_BAR = 22
_GAP = 14
_MAX_POINTS = 400
_SERIES = 4


def svg(key: str, width: int, height: float, *, title: str, description: str, body: Iterable[Markup]) -> Markup:
    """Return an SVG image. Screen readers read ``title`` and ``description``."""
    return Markup(
        '<svg class="chart" role="img" viewBox="0 0 {w} {h:.0f}" width="{w}" height="{h:.0f}"'
        ' aria-labelledby="{k}-{w}-title {k}-{w}-desc">'
        '<title id="{k}-{w}-title">{t}</title><desc id="{k}-{w}-desc">{d}</desc>{b}</svg>'
    ).format(w=width, h=height, k=key, t=title, d=description, b=Markup("\n").join(body))


def text(x: float, y: float, text: str, *, style: str = "", anchor: str = "start") -> Markup:
    """Return a line of text as an SVG element."""
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{}" text-anchor="{}">{}</text>').format(x, y, style, anchor, text)


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    """Return a straight line as an SVG element."""
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(x1, y1, x2, y2, style)


def bar(x: float, y: float, width: float, height: float, style: str) -> Markup:
    """Return a bar as an SVG element."""
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}"/>').format(
        x, y, width, height, style
    )


def fit(text: str, width: float, style: str) -> str:
    """Shorten a text so that it fits into ``width`` pixels in the text style ``style``."""
    room = max(4.0, width // _PIXELS_PER_CHARACTER[style])
    return text if len(text) <= room else text[: int(room) - 1] + "…"


def _percent(share: float) -> str:
    return f"{share:.0%}"


def preference_chart(comparisons: Sequence[ComparisonResult], *, width: int) -> Markup:
    """Draw each judge's preference on each pair of arms as a bar, with its 95 % interval and a mark at 50 %."""
    body = [_hatching("chance", width)]
    y = 0.0
    for (candidate, baseline), entries in groupby(comparisons, key=lambda c: (c["candidate"], c["baseline"])):
        rows = list(entries)
        for heading in _pair_heading(candidate, baseline, width):
            y += 20
            body.append(text(0, y, heading, style="strong"))
        body.append(line(width / 2, y + 10, width / 2, y + 14 + 48 * len(rows), "coin"))
        for row in rows:
            body += _preference_row(row, y + 14, width)
            y += 48
        y += 22
    body += _percent_axis(y, width)
    return svg(
        "preference",
        width,
        y + 44,
        title="How often each judge preferred the candidate",
        description=" ".join(_describe(comparison) for comparison in comparisons),
        body=body,
    )


def _pair_heading(candidate: str, baseline: str, width: int) -> list[str]:
    heading = f"{candidate} against {baseline}"
    if fit(heading, width, "strong") == heading:
        return [heading]
    return [fit(candidate, width, "strong"), fit(f"against {baseline}", width, "strong")]


def _preference_row(comparison: ComparisonResult, y: float, width: int) -> list[Markup]:
    label = text(0, y + 14, fit(comparison["judge"], width * 0.55, "label"), style="label")
    track = bar(0, y + 24, width, 14, "track")
    preference, interval, finding = comparison["preference"], comparison["preference_ci95"], comparison["finding"]
    if preference is None or interval is None:
        return [label, track, text(width, y + 14, "no question decided", style="figure", anchor="end")]
    low, high = interval
    reading = f"{_percent(preference)}  ({100 * low:.0f}–{100 * high:.0f}%)"
    return [
        label,
        text(width, y + 14, reading, style="figure", anchor="end"),
        track,
        _hatched(0, y + 24, max(1.0, preference * width), 14, style=f"share {finding}", pattern=f"chance-{width}"),
        bar(low * width, y + 29.5, max(2.0, (high - low) * width), 3, "interval"),
        line(low * width, y + 25.5, low * width, y + 36.5, "end"),
        line(high * width, y + 25.5, high * width, y + 36.5, "end"),
        line(width / 2, y + 22, width / 2, y + 40, "coin"),
    ]


def _percent_axis(y: float, width: int) -> list[Markup]:
    axis = [text(0, y + 4, "0%", style="tick"), text(width, y + 4, "100%", style="tick", anchor="end")]
    axis.append(text(width / 2, y + 4, "50%: chance", style="tick", anchor="middle"))
    axis.append(text(0, y + 24, "← baseline preferred", style="tick"))
    axis.append(text(width, y + 24, "candidate preferred →", style="tick", anchor="end"))
    return axis


def _describe(comparison: ComparisonResult) -> str:
    pair = f"{comparison['judge']}, {comparison['candidate']} against {comparison['baseline']}"
    preference, interval = comparison["preference"], comparison["preference_ci95"]
    if preference is None or interval is None:
        return f"{pair}: no question decided."
    low, high = interval
    return f"{pair}: {_percent(preference)}, 95% interval {_percent(low)} to {_percent(high)}."


class _Stage(NamedTuple):
    label: str
    kept: int
    lost: int = 0
    note: str = ""
    follows: bool = True

    @property
    def total(self) -> int:
        return self.kept + self.lost


def pipeline_chart(
    source: SourceCounts, synthesis: ReportSynthesis, arms: Sequence[ReportArm], *, width: int
) -> Markup:
    """
    Draw the number of items at each stage from the rows of the CSV to the training records, one bar per stage.

    The hatched part of a bar shows the items that are lost at that stage.
    """
    stages = _stages(source, synthesis, arms)
    scale = width / max(1, *(stage.total for stage in stages))
    body = [_hatching("hatch", width)]
    before, bottom = stages[0], 0.0
    for stage in stages:
        top = bottom + (42 if stage.note else 28)
        if stage.follows:
            body.append(_flow(before.kept * scale, bottom - _GAP, stage.total * scale, top))
        body += _stage_bar(stage, bottom, top, scale, width)
        before, bottom = stage, top + _BAR + _GAP
    return svg(
        "pipeline",
        width,
        bottom,
        title="Counts through the pipeline",
        description=" ".join(f"{s.label}: {s.total:,}{f', {s.note}' if s.note else ''}." for s in stages),
        body=body,
    )


def _stages(source: SourceCounts, synthesis: ReportSynthesis, arms: Sequence[ReportArm]) -> list[_Stage]:
    lost = synthesis["rejected"] + synthesis["missing"]
    stages = [
        _Stage(
            "Rows in the CSV",
            source["accepted"],
            source["rejected"],
            f"{source['rejected']:,} rejected",
            follows=False,
        ),
        _Stage("Rows accepted", source["accepted"], note=_use_of_rows(source)),
        _Stage(
            "Pairs requested",
            synthesis["accepted"],
            lost,
            f"{synthesis['rejected']:,} rejected, {synthesis['missing']:,} missing",
        ),
        _Stage("Pairs accepted", synthesis["accepted"], note=f"{synthesis['surplus']:,} surplus set aside"),
    ]
    trained = [(arm["name"], arm["records"]) for arm in arms if arm["records"]]
    # If several arms are trained, each selects from the same pairs, so their bars are not connected to the bar
    # above.
    return stages + [_Stage(f"Records to train {arm}", count, follows=len(trained) == 1) for arm, count in trained]


def _use_of_rows(source: SourceCounts) -> str:
    # Evaluation rows may come from a separate file. The accepted rows then do not include them.
    others = "" if source["train"] + source["evaluation"] == source["accepted"] else " others"
    return f"{source['train']:,} for training, {source['evaluation']:,}{others} for evaluation"


def _stage_bar(stage: _Stage, above: float, top: float, scale: float, width: int) -> list[Markup]:
    return [
        text(0, above + 18, fit(stage.label, width - 60, "strong"), style="strong"),
        text(width, above + 18, f"{stage.total:,}", style="count", anchor="end"),
        text(0, above + 34, fit(stage.note, width, "tick"), style="tick"),
        bar(0, top, max(1.0, stage.kept * scale), _BAR, "kept"),
        _hatched(stage.kept * scale, top, stage.lost * scale, _BAR, style="lost", pattern=f"hatch-{width}"),
    ]


def _flow(from_width: float, from_y: float, to_width: float, to_y: float) -> Markup:
    return Markup('<polygon points="0,{1:.1f} {0:.1f},{1:.1f} {2:.1f},{3:.1f} 0,{3:.1f}" class="flow"/>').format(
        from_width, from_y, to_width, to_y
    )


def _hatching(name: str, width: int) -> Markup:
    return Markup(
        '<defs><pattern id="{0}-{1}" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" class="{0}"/></pattern></defs>'
    ).format(name, width)


def _hatched(x: float, y: float, width: float, height: float, *, style: str, pattern: str) -> Markup:
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}" fill="url(#{})"/>').format(
        x, y, width, height, style, pattern
    )


class _Plot(NamedTuple):
    """The plotting area: converts a step and a loss to pixels."""

    left: float
    right: float
    top: float
    bottom: float
    last: int
    low: float
    high: float

    def x(self, step: float) -> float:
        return self.left + (self.right - self.left) * step / self.last

    def y(self, loss: float) -> float:
        return self.bottom - (self.bottom - self.top) * (loss - self.low) / (self.high - self.low)


def loss_chart(curves: Mapping[str, Sequence[LossPoint]], *, width: int) -> Markup:
    """
    Draw the training loss of each arm at each step as a thin line, and the moving mean of the loss as a thick line.

    Each mean is drawn at the middle of the steps that it averages. A step without a loss leaves a gap.

    :return: empty if no step has a loss.
    """
    drawn = {arm: points for arm, points in curves.items() if any(point["loss"] is not None for point in points)}
    if not drawn:
        return Markup("")
    means = {arm: mean for arm, points in drawn.items() if (mean := loss_means(points))}
    plot = _plot(drawn, width)
    body = _axes(plot)
    for index, (arm, points) in enumerate(drawn.items()):
        style = f"series{index % _SERIES}"
        body += [line(0, 9 + 22 * index, 28, 9 + 22 * index, style)]
        body += [text(36, 14 + 22 * index, _legend(arm, means[arm].figures, width - 36), style="label")]
        body += _curve([(point["step"], point["loss"]) for point in points], plot, f"step {style}")
        body += _curve(_means(points), plot, style, end=True)
    description = " ".join(f"{arm}: {mean.sentence}." for arm, mean in means.items())
    return svg("loss", width, plot.bottom + 30, title="Training loss by step", description=description, body=body)


def _plot(curves: Mapping[str, Sequence[LossPoint]], width: int) -> _Plot:
    losses = [point["loss"] for points in curves.values() for point in points if point["loss"] is not None]
    # If all losses are equal, the margin is proportional to the loss, but at least 0.5. A fixed margin of 0.5 would
    # vanish next to a huge loss.
    margin = 0.06 * (max(losses) - min(losses)) or max(0.5, 0.06 * abs(losses[0]))
    top = 22.0 * len(curves) + 14
    last = max(1, *(point["step"] for points in curves.values() for point in points))
    return _Plot(46, width - 8, top, top + 190, last, min(losses) - margin, max(losses) + margin)


def _axes(plot: _Plot) -> list[Markup]:
    body = []
    for level in (plot.low, (plot.low + plot.high) / 2, plot.high):
        y = plot.y(level)
        body += [line(plot.left, y, plot.right, y, "grid")]
        body += [text(plot.left - 8, y + 4, f"{level:.2f}", style="tick", anchor="end")]
    body += [text(plot.left, plot.bottom + 20, "step 0", style="tick")]
    body += [text(plot.right, plot.bottom + 20, f"step {plot.last:,}", style="tick", anchor="end")]
    return body


def _means(points: Sequence[LossPoint]) -> list[tuple[float, float | None]]:
    means = moving_mean(points)
    reach = len(points) - len(means)
    middles = ((first["step"] + last["step"]) / 2 for first, last in zip(points, points[reach:], strict=False))
    return list(zip(middles, means, strict=True))


def _curve(points: Sequence[tuple[float, float | None]], plot: _Plot, style: str, *, end: bool = False) -> list[Markup]:
    """
    Draw a line through the losses, with a gap at each step without a loss.

    :param end: whether to draw a dot at the last point of each unbroken part of the line.
    """
    every = -(-len(points) // _MAX_POINTS)
    thinned = [point for index, point in enumerate(points) if index % every == 0 or index == len(points) - 1]
    body = []
    for _, part in groupby(thinned, key=lambda point: point[1] is not None):
        places = [(plot.x(step), plot.y(loss)) for step, loss in part if loss is not None]
        if places:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            body.append(Markup('<polyline points="{}" class="{}"/>').format(path, style))
            mark = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3.5" class="end {}"/>').format(*places[-1], style)
            body += [mark] if end else []
    return body


def _legend(arm: str, figures: str, width: float) -> str:
    return f"{fit(arm, width - (len(figures) + 2) * _PIXELS_PER_CHARACTER['label'], 'label')}: {figures}"
