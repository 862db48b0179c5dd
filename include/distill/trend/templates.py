"""Render the templates of the pages about many nights. Jinja escapes every value."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment

from include.distill.history.records import HistoryEntry
from include.distill.report.drift_notes import drift_sentence
from include.distill.report.html import format_dollars
from include.distill.report.templates import page_text, template_environment, url_text
from include.distill.trend.words import STATE_MARKS, STATE_WORDS, added_text, day_text, figure_text


def render(template: str, **values: object) -> str:
    """Render a template in ``include/report``. Lone surrogates, which UTF-8 cannot encode, become question marks."""
    return page_text(_environment().get_template(template).render(marks=STATE_MARKS, words=STATE_WORDS, **values))


@cache
def _environment() -> Environment:
    """Return the environment, which keeps the compiled templates."""
    return template_environment(
        added=added_text,
        day=day_text,
        dollars=format_dollars,
        drift=drift_sentence,
        figure=figure_text,
        report_path=report_path,
    )


def report_path(run: HistoryEntry) -> str:
    """Return the path of a run's report, relative to the pages of the plugin."""
    return run_path(run["dag_id"], run["run_id"])


def run_path(dag_id: str, run_id: str) -> str:
    """Return the path of the report of a run by its ids, relative to the pages of the plugin."""
    return f"report/{url_text(dag_id, safe='')}/{url_text(run_id, safe='')}"
