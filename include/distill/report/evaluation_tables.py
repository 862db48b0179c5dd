"""Word the scores from evaluation jobs for the page of the report."""

from __future__ import annotations

from collections.abc import Sequence

from include.distill.evaluation.comparisons import LARGEST_CLUSTER_SHARE, MINIMUM_CLUSTERS, MINIMUM_QUESTIONS
from include.distill.managed_evaluation.records import ScoreFigures
from include.distill.report.records import ReportEvaluations, ReportMetric

_BUILT_IN = "Builtin."


def metric_name(metric: ReportMetric) -> str:
    """Return a metric's name, with a note if a high score is bad. Bedrock's own metrics lose their prefix."""
    name = metric["name"].removeprefix(_BUILT_IN)
    return f"{name} (lower is better)" if metric["high_is_bad"] else name


def number(score: float | None, *, signed: bool = False) -> str:
    """Format a score with two decimals. A score that rounds to zero has no sign."""
    if score is None:
        return "–"
    shown = f"{score:+.2f}" if signed else f"{score:.2f}"
    return shown.lstrip("+-") if float(shown) == 0 else shown.replace("-", "−")


def score_range(metric: ReportMetric) -> str:
    """Return a metric's scale, such as "0 to 1"."""
    return f"{_plain(metric['low'])} to {_plain(metric['high'])}"


def rating_lists(metrics: Sequence[ReportMetric]) -> list[tuple[str, str]]:
    """Return the name of each custom metric and its ratings with their meaning, the lowest rating first."""
    return [
        (
            metric["name"],
            "; ".join(
                f"{_plain(rating['value'])}: {rating['definition']}"
                for rating in sorted(metric["ratings"], key=lambda rating: rating["value"])
            ),
        )
        for metric in metrics
        if metric["ratings"]
    ]


def partial_sentence(evaluations: ReportEvaluations) -> str:
    """Say how many questions were scored if not all of them were; otherwise, return an empty text."""
    scored, rows = evaluations["questions"], evaluations["evaluation_rows"]
    if scored == rows:
        return ""
    return f"Only the first {scored:,} of {rows:,} evaluation questions {'was' if scored == 1 else 'were'} scored."


def small_sample_sentence(evaluations: ReportEvaluations) -> str:
    """Warn if an interval comes from a sample that is too small or too uneven; otherwise, return an empty text."""
    figures: list[ScoreFigures] = [*evaluations["scores"], *evaluations["differences"]]
    if not any(_is_too_small(entry) for entry in figures):
        return ""
    return (
        f"Some intervals are not reliable, because they come from fewer than {MINIMUM_QUESTIONS} questions or"
        f" {MINIMUM_CLUSTERS} document groups, or because one group has more than {LARGEST_CLUSTER_SHARE:.0%} of the"
        " questions."
    )


def _is_too_small(entry: ScoreFigures) -> bool:
    largest = entry["largest_cluster_share"]
    is_large_enough = entry["n"] >= MINIMUM_QUESTIONS and entry["clusters"] >= MINIMUM_CLUSTERS
    return not (is_large_enough and largest is not None and largest <= LARGEST_CLUSTER_SHARE)


def _plain(score: float) -> str:
    return f"{score:g}".replace("-", "−")
