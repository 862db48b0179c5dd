"""
List the runs that have a report, and render the page of past runs.

Each run with a report has one small entry. The name of an entry starts with the time at which the run was due to start,
so sorting by name sorts the runs by time, and writing an old run's report again does not make this run the newest.
Earlier versions named an entry by the time at which the report was written. They wrote a further entry whenever a
run's report was written again, so a run can have several entries.

The page needs one request to list the entries, and one request for each run on the page. Without the entries, the page
would have to search the folders of all runs. A run's folder has thousands of objects, and its name does not contain the
time.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Sequence
from typing import cast, get_type_hints

from include.distill.config.layout import RunFolder
from include.distill.core.formats import take_mark
from include.distill.core.record_types import record_fault
from include.distill.report.html import format_dollars
from include.distill.report.records import PastRun, PastRunFigures, Report, ShownPastRun
from include.distill.report.templates import page_text, template_environment
from include.distill.report.verdict_sentence import verdict_parts

_ENTRY_NAME = re.compile(r"[^-]+-.+")
_ENVIRONMENT = template_environment(dollars=format_dollars)


def list_entry(report: Report) -> PastRun:
    """Build the entry of a run for the list of past runs."""
    claim, evidence = verdict_parts(report["comparisons"], report.get("judges", ()), report["arms"])
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


def entry_uri(folder: RunFolder, uris: Iterable[str], *, use_case: str, started: datetime.datetime) -> str:
    """
    Return the URI at which to store a run's entry.

    If the run already has entries, this is the URI of its last entry. Otherwise, it is a new URI.

    :param uris: the URIs of the use case's entries.
    :param started: when the run was due to start. It must not change when a task of the run is cleared.
    """
    own = [uri for uri in _entries(uris) if _run_key(uri) == folder.run_key]
    return own[-1] if own else folder.report_entry(use_case, started)


def newest_entries(uris: Iterable[str], limit: int) -> list[str]:
    """
    Return the URI of one entry for each of the newest ``limit`` runs, newest run first.

    If a run has several entries, its first entry determines the run's position in the list, and the URI of its last
    entry is returned. Objects whose names are not those of entries are ignored.
    """
    by_run: dict[str, list[str]] = {}
    for uri in _entries(uris):
        by_run.setdefault(_run_key(uri), []).append(uri)
    return [of_run[-1] for of_run in list(by_run.values())[::-1][:limit]]


def _entries(uris: Iterable[str]) -> list[str]:
    """Return the entries among ``uris``, oldest first."""
    return sorted((uri for uri in uris if _ENTRY_NAME.fullmatch(_file_name(uri))), key=_file_name)


def read_entry(body: bytes) -> ShownPastRun:
    """
    Parse an entry of the list, and convert its time for the page.

    :raises ValueError: ``body`` is not JSON, a key is missing, or a value has the wrong type.
    :raises NewerFormatError: a newer version wrote the entry in a format that this version does not know.
    """
    try:
        record = json.loads(body)
    except RecursionError as error:
        raise ValueError("the entry is nested too deeply") from error
    if isinstance(record, dict):
        take_mark(record, "The entry")
    if fault := record_fault(PastRun, record):
        raise ValueError(f"the entry {fault}")
    figures = {key: record[key] for key in get_type_hints(PastRunFigures)}
    return cast(ShownPastRun, {**figures, "finished_at": datetime.datetime.fromisoformat(record["finished_at"])})


def list_page(entries: Sequence[ShownPastRun], *, problems: Sequence[str] = (), chosen: str = "") -> str:
    """
    Render the page of past runs. Each run has a link to the relative URL ``report/<dag id>/<run id>``.

    :param chosen: the run, ``<dag id>/<run id>``, that a reader wants to compare with another one. The links then lead
        to the comparison of this run with the other one.
    :param problems: one message for each use case whose runs cannot be listed, and for each run that cannot be read.
    """
    return render_page("reports.html.j2", entries=entries, problems=problems, chosen=chosen)


def message_page(title: str, text: str, *, login_url: str = "") -> str:
    """
    Render a page that shows one message instead of the requested page.

    :param login_url: the address of the login, for a reader who must log in first.
    """
    return render_page("message.html.j2", title=title, text=text, login_url=login_url)


def _file_name(uri: str) -> str:
    return uri.rsplit("/", 1)[1]


def _run_key(uri: str) -> str:
    return _file_name(uri).split("-", 1)[1].removesuffix(".json")


def render_page(template: str, **values: object) -> str:
    """Render one of the pages that are not reports. Every value is escaped, and lone surrogates are replaced."""
    return page_text(_ENVIRONMENT.get_template(template).render(**values))
