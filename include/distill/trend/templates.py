"""Render the templates of the pages about many nights. Jinja escapes every value."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from include.distill.core.paths import INCLUDE
from include.distill.history.records import HistoryEntry
from include.distill.report.drift_notes import drift_sentence
from include.distill.report.html import format_dollars
from include.distill.trend.words import STATE_MARKS, added_text, day_text, figure_text

_WIDTHS = {"wide": 720, "narrow": 330}


def render(template: str, **values: object) -> str:
    """Render a template in ``include/report``. Lone surrogates, which UTF-8 cannot encode, become question marks."""
    environment = Environment(
        loader=FileSystemLoader(INCLUDE / "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "added": added_text,
        "day": day_text,
        "dollars": format_dollars,
        "drift": drift_sentence,
        "figure": figure_text,
        "report_path": report_path,
    }
    environment.globals["marks"] = STATE_MARKS
    html = environment.get_template(template).render(**values)
    return html.encode("utf-8", "replace").decode("utf-8")


def drawn(draw: Callable[[int], Markup]) -> dict[str, Markup]:
    """Draw a chart once for desktops and once for phones. The page shows the drawing that fits the screen."""
    return {name: draw(width) for name, width in _WIDTHS.items()}


def report_path(run: HistoryEntry) -> str:
    """Return the path of a run's report, relative to the pages of the plugin."""
    return run_path(run["dag_id"], run["run_id"])


def run_path(dag_id: str, run_id: str) -> str:
    """Return the path of the report of a run by its ids, relative to the pages of the plugin."""
    return f"report/{quote(dag_id, safe='')}/{quote(run_id, safe='')}"
