"""
The runs that have a report, as a list to choose from.

Each report leaves one small object under a name that sorts by time, so that the list costs one request and one per run
shown: a run's own folder holds thousands of objects and its name says nothing of when it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.distill.core.paths import INCLUDE
from include.distill.core.storage import Record
from include.distill.report.html import format_dollars
from include.distill.report.report import verdict_parts

PAGE_TEMPLATES = INCLUDE / "report"


def list_entry(report: Mapping[str, Any]) -> Record:
    """Return what the list says of a ``report.json``."""
    claim, evidence = verdict_parts(report)
    return {
        **{key: report[key] for key in ("run_key", "use_case", "dag_id", "run_id", "finished_at", "simulated")},
        "claim": claim,
        "evidence": evidence,
        "estimated_usd": report["cost"]["estimated_usd"],
        "actual_usd": report["cost"]["actual_usd"],
        "billing": [arm["name"] for arm in report["arms"] if not arm["released"]],
    }


def newest_entries(uris: Iterable[str], limit: int) -> list[str]:
    """Return the URIs of the newest ``limit`` entries, newest first; of a report written again, its last entry."""
    by_run = {_run_key(uri): uri for uri in sorted(uris, key=_file_name)}
    return sorted(by_run.values(), key=_file_name, reverse=True)[:limit]


def read_entry(body: bytes) -> Record:
    """Return an entry as the page shows it."""
    entry: Record = json.loads(body)
    return {**entry, "finished_at": datetime.fromisoformat(entry["finished_at"])}


def list_page(entries: Sequence[Record], *, problems: Sequence[str] = ()) -> str:
    """Return the page of past runs; each links to ``report/<dag id>/<run id>`` beside it.

    :param problems: what could not be read, a sentence each.
    """
    return _page("reports.html.j2", entries=entries, problems=problems)


def message_page(title: str, text: str) -> str:
    """Return a page that says one thing, in the place of what was asked for."""
    return _page("message.html.j2", title=title, text=text)


def _file_name(uri: str) -> str:
    return uri.rsplit("/", 1)[1]


def _run_key(uri: str) -> str:
    return _file_name(uri).split("-", 1)[1]


def _page(template: str, **values: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(PAGE_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"dollars": format_dollars}
    return environment.get_template(template).render(**values)
