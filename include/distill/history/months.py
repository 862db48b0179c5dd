"""
Read and write the history of a use case's runs, one S3 object per month.

A page that shows a year of nights reads 13 objects instead of 365. Several runs may write the same month at the same
time. So a write is refused if the object has changed since it was read, and is then tried again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from include.distill.config.history_layout import histories_uri, history_month_uri, history_uri, month_name
from include.distill.core.errors import MissingObjectError, NotFoundError, TransientError
from include.distill.core.storage import ObjectStore, read_json, read_versioned_json, replace_json
from include.distill.history.records import HistoryEntry, HistoryMonth

_ATTEMPTS = 20
_READERS = 8


def read_history(
    store: ObjectStore, root: str, use_case: str, *, since: datetime.datetime | None = None
) -> list[HistoryEntry]:
    """
    Return the runs of a use case, oldest first.

    :param root: ``s3://<training bucket>/<prefix>``.
    :param since: leave out the runs that were due to start before this time.
    """
    uris = store.list(history_uri(root, use_case))
    if since is not None:
        first = history_month_uri(root, use_case, since)
        uris = [uri for uri in uris if uri >= first]
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        months = list(pool.map(lambda uri: read_json(store, uri, HistoryMonth), uris))
    runs = [run for month in months for run in month["runs"]]
    if since is not None:
        runs = [run for run in runs if datetime.datetime.fromisoformat(run["started_at"]) >= since]
    return sorted(runs, key=run_order)


def run_order(run: HistoryEntry) -> tuple[str, str]:
    """Return the key that sorts the runs of a use case by the time at which they were due to start."""
    return run["started_at"], run["run_key"]


def read_month(
    store: ObjectStore, root: str, day: datetime.datetime, *, use_case: str | None = None
) -> list[HistoryEntry]:
    """
    Return the runs of all use cases in a root that were due to start in one month.

    Use cases whose file was deleted or is not valid are included.

    :param root: ``s3://<training bucket>/<prefix>``.
    :param day: any time in the month.
    :param use_case: read only the runs of this use case.
    """
    name = f"{month_name(day)}.json"
    uris = [history_month_uri(root, use_case, day)] if use_case else store.list(histories_uri(root))
    runs: list[HistoryEntry] = []
    for uri in uris:
        if uri.endswith(f"/{name}"):
            with suppress(MissingObjectError):
                runs += read_json(store, uri, HistoryMonth)["runs"]
    return runs


def update_run(
    store: ObjectStore,
    root: str,
    use_case: str,
    run_key: str,
    started: datetime.datetime,
    change: Callable[[HistoryEntry | None], HistoryEntry],
) -> HistoryEntry:
    """
    Replace the record of a run, or add the first one, and return the new record.

    :param started: when the run was due to start. It must not change when a task of the run is cleared.
    :param change: returns the new record from the stored one; ``None`` if nothing is stored. It may be called again if
        another run has written the same month in the meantime.
    :raises TransientError: other runs wrote the same month again and again.
    """
    uri = history_month_uri(root, use_case, started)
    for _ in range(_ATTEMPTS):
        try:
            month, version = read_versioned_json(store, uri, HistoryMonth)
        except NotFoundError:
            month, version = HistoryMonth(runs=[]), None
        stored = next((run for run in month["runs"] if run["run_key"] == run_key), None)
        changed = change(stored)
        others = [run for run in month["runs"] if run["run_key"] != run_key]
        runs = sorted([*others, changed], key=run_order)
        if changed == stored or replace_json(store, uri, {**month, "runs": runs}, version):
            return changed
    raise TransientError(
        f"{uri} was changed by other runs {_ATTEMPTS} times while this run was writing its record.",
        left="The history of the use case lacks the newest figures of this run. Nothing else is affected.",
        to_do="Clear this task. It buys nothing.",
    )
