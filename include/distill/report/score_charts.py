"""Draw the mean scores from evaluation jobs as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from markupsafe import Markup

from include.distill.managed_evaluation.records import MeanScore
from include.distill.report.charts import bar, fit, line, svg, text
from include.distill.report.evaluation_tables import metric_name, number, score_range
from include.distill.report.records import ReportEvaluations, ReportMetric

_HEADING = 42
_ROW = 44


def score_chart(evaluations: ReportEvaluations, *, width: int) -> Markup:
    """Draw the mean score of each arm as a bar on the metric's scale, with its 95 % interval."""
    metrics = {metric["name"]: metric for metric in evaluations["metrics"]}
    body: list[Markup] = []
    y = 0.0
    for (name, evaluator), entries in groupby(evaluations["scores"], key=lambda e: (e["metric"], e["evaluator"])):
        metric = metrics[name]
        body.append(text(0, y + 16, fit(metric_name(metric), width, "strong"), style="strong"))
        body.append(text(0, y + 34, fit(f"scored by {evaluator}", width * 0.6, "tick"), style="tick"))
        body.append(text(width, y + 34, f"scale: {score_range(metric)}", style="tick", anchor="end"))
        y += _HEADING
        for entry in entries:
            body += _row(entry, metric, y, width)
            y += _ROW
        y += 18
    return svg(
        "scores",
        width,
        max(0.0, y - 18),
        title="Mean score of each arm",
        description=" ".join(_describe(entry, metrics) for entry in evaluations["scores"]),
        body=body,
    )


def _row(entry: MeanScore, metric: ReportMetric, y: float, width: int) -> list[Markup]:
    track = bar(0, y + 22, width, 12, "track")
    label = text(0, y + 14, fit(entry["arm"], width * 0.45, "label"), style="label")
    mean, interval = entry["mean"], entry["ci95"]
    if mean is None or interval is None:
        return [label, track, text(width, y + 14, "no score", style="figure", anchor="end")]
    place, low, high = (_place(score, metric) * width for score in (mean, *interval))
    reading = f"{number(mean)}  ({number(interval[0])} to {number(interval[1])})"
    return [
        label,
        text(width, y + 14, reading, style="figure", anchor="end"),
        track,
        bar(0, y + 22, max(1.0, place), 12, "before"),
        bar(low, y + 26.5, max(2.0, high - low), 3, "interval"),
        line(low, y + 23, low, y + 33, "end"),
        line(high, y + 23, high, y + 33, "end"),
    ]


def _place(score: float, metric: ReportMetric) -> float:
    return (score - metric["low"]) / (metric["high"] - metric["low"])


def _describe(entry: MeanScore, metrics: Mapping[str, ReportMetric]) -> str:
    what = f"{metric_name(metrics[entry['metric']])} of {entry['arm']}, scored by {entry['evaluator']}"
    if entry["mean"] is None or entry["ci95"] is None:
        return f"{what}: no score."
    low, high = entry["ci95"]
    return f"{what}: {number(entry['mean'])}, 95% interval {number(low)} to {number(high)}."
