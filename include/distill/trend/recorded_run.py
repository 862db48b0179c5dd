"""Render what the history has recorded of a run that has no report and that Airflow does not have any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from include.distill.history.records import RunState
from include.distill.trend.figures import KIND_NAMES
from include.distill.trend.nights import Night
from include.distill.trend.templates import render
from include.distill.trend.words import figure_text

_TITLES: Mapping[RunState, str] = {
    "succeeded": "This run has succeeded",
    "failed": "This run has failed",
    "running": "This run is in progress",
    "lost": "This run did not end",
}


def recorded_run_page(night: Night) -> str:
    """
    Render the page of a run from its record.

    The kinds of the bill are words of this pipeline, and the names of tasks come from the DAG, so the page shows no
    text that a model wrote.
    """
    run = night.run
    words = cast("Mapping[str, str]", KIND_NAMES)
    return render(
        "recorded.html.j2",
        night=night,
        run=run,
        title=_TITLES[night.state],
        failed_tasks=run.get("failed_tasks", []),
        is_example=run.get("example", False),
        duration=figure_text(night.hours, "hours"),
        bill=[(words.get(kind, kind), usd) for kind, usd in run["spent_by_kind"].items()],
    )
