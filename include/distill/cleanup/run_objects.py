"""Find the objects of each run, and each use case's newest run with a report."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from include.distill.cleanup.plan import ProjectRoot, StoredObject
from include.distill.config.layout import RunFolder, run_uri, run_uri_of

_LISTED_RUN = re.compile(r"reports/(?P<use_case>[^/]+)/(?P<started>\d{8}T\d{6}Z)-(?P<run_key>[^/]+)\.json")


def run_objects(root: ProjectRoot) -> dict[str, list[StoredObject]]:
    """Return the objects of each run, by the URI of the run's folder.

    They include the run's entry in the list of reports. This entry is outside the run's folder, below ``reports/``.
    """
    runs = f"{root.uri}/runs/"
    folders: dict[str, list[StoredObject]] = {}
    for stored in root.objects:
        if stored.uri.startswith(runs):
            folders.setdefault(run_uri_of(root.uri, stored.uri), []).append(stored)
    for stored in root.objects:
        entry = _LISTED_RUN.fullmatch(stored.uri.removeprefix(f"{root.uri}/"))
        if entry and (folder := run_uri(root.uri, entry["use_case"], entry["run_key"])) in folders:
            folders[folder].append(stored)
    return folders


def newest_reports(roots: Sequence[ProjectRoot]) -> frozenset[str]:
    """Return the folder of the newest run with a report, for each root and use case."""
    reports = {
        (root.uri, run.use_case, _started(root, objects, stored), uri)
        for root in roots
        for uri, objects in run_objects(root).items()
        if (run := root.runs.get(uri))
        for stored in objects
        if stored.uri == RunFolder(uri).report("json")
    }
    # Sorted by time, so that the last run of a use case replaces the others.
    return frozenset({(root, use_case): uri for root, use_case, _, uri in sorted(reports)}.values())


def _started(root: ProjectRoot, objects: Sequence[StoredObject], report: StoredObject) -> str:
    """
    Return when a run started, as a string that sorts in chronological order.

    The time of the report does not show when the run started, because the report is written again when there are new
    labels or when the task ``report`` is cleared.
    """
    entries = (_LISTED_RUN.fullmatch(stored.uri.removeprefix(f"{root.uri}/")) for stored in objects)
    modified = f"{report.modified.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}"
    return min((entry["started"] for entry in entries if entry), default=modified)
