"""
List the runs that have a report, and render the page of past runs.

Each report has one small entry. The name of an entry starts with the time, so sorting by name sorts by time. The page
needs one request to list the entries, and one request for each run on the page. Without the entries, the page would
have to search the folders of all runs. Such a folder has thousands of objects, and its name does not contain the time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.distill.core.paths import INCLUDE
from include.distill.report.html import format_dollars
from include.distill.report.records import PastRun, Report, ShownPastRun
from include.distill.report.verdict_sentence import verdict_parts

PAGE_TEMPLATES = INCLUDE / "report"


def list_entry(report: Report) -> PastRun:
    """Build the entry of a run for the list of past runs."""
    claim, evidence = verdict_parts(report["comparisons"], report.get("judges", ()))
    return {
        "run_key": report["run_key"],
        "use_case": report["use_case"],
        "dag_id": report["dag_id"],
        "run_id": report["run_id"],
        "finished_at": report["finished_at"],
        "simulated": report["simulated"],
        "claim": claim,
        "evidence": evidence,
        "estimated_usd": report["cost"]["estimated_usd"],
        "actual_usd": report["cost"]["actual_usd"],
        "billing": [arm["name"] for arm in report["arms"] if not arm["released"]],
    }


def newest_entries(uris: Iterable[str], limit: int) -> list[str]:
    """Return the URIs of the entries of the newest ``limit`` runs, newest first: for each run, only its last entry."""
    by_run = {_run_key(uri): uri for uri in sorted(uris, key=_file_name)}
    return sorted(by_run.values(), key=_file_name, reverse=True)[:limit]


def read_entry(body: bytes) -> ShownPastRun:
    """
    Parse an entry of the list, and convert its time for the page.

    :raises ValueError: ``body`` is not JSON, or the time in the entry is not ISO 8601.
    :raises KeyError: a key is missing.
    """
    entry = cast(PastRun, json.loads(body))
    return {
        "run_key": entry["run_key"],
        "use_case": entry["use_case"],
        "dag_id": entry["dag_id"],
        "run_id": entry["run_id"],
        "finished_at": datetime.fromisoformat(entry["finished_at"]),
        "simulated": entry["simulated"],
        "claim": entry["claim"],
        "evidence": entry["evidence"],
        "estimated_usd": entry["estimated_usd"],
        "actual_usd": entry["actual_usd"],
        "billing": entry["billing"],
    }


def list_page(entries: Sequence[ShownPastRun], *, problems: Sequence[str] = ()) -> str:
    """
    Render the page of past runs. Each run has a link to the relative URL ``report/<dag id>/<run id>``.

    :param problems: one sentence for each entry that could not be read.
    """
    return _render("reports.html.j2", entries=entries, problems=problems)


def message_page(title: str, text: str) -> str:
    """Render a page that shows one message instead of the requested page."""
    return _render("message.html.j2", title=title, text=text)


def _file_name(uri: str) -> str:
    return uri.rsplit("/", 1)[1]


def _run_key(uri: str) -> str:
    return _file_name(uri).split("-", 1)[1]


def _render(template: str, **values: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(PAGE_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"dollars": format_dollars}
    return environment.get_template(template).render(**values)
