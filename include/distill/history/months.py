"""
Read and write the history of a use case's runs, one S3 object per month.

A page that shows a year of nights reads 13 objects instead of 365. Several runs may write the same month at the same
time. So a write is refused if the object has changed since it was read, and is then tried again.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from include.distill.config.history_layout import histories_uri, history_month_uri, history_uri, month_name
from include.distill.core.errors import MissingObjectError, NotFoundError, TransientError
from include.distill.core.storage import ObjectStore, read_json, read_versioned_json, replace_json
from include.distill.core.stored_objects import broken_record
from include.distill.history.records import HistoryEntry, HistoryMonth

MonthT = TypeVar("MonthT")

_ATTEMPTS = 20
_READERS = 8  # months that are read at the same time
_LARGEST = 1e15  # JSON numbers can be larger, and Python also reads NaN and Infinity
_MONTH = re.compile(r"/\d{4}-\d{2}\.json$")


def read_history(
    store: ObjectStore, root: str, use_case: str, *, since: datetime.datetime | None = None
) -> list[HistoryEntry]:
    """
    Return the runs of a use case, oldest first.

    :param root: ``s3://<training bucket>/<prefix>``.
    :param since: leave out the runs that were due to start before this time.
    """
    months = read_months(lambda uri: read_runs(store, uri), listed_months(store, root, use_case, since))
    return ordered_runs(months, since)


def read_months(read: Callable[[str], MonthT], uris: Sequence[str]) -> list[MonthT]:
    """Return what ``read`` returns for each object, in the order of the objects. Some are read at the same time."""
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        return list(pool.map(read, uris))


def ordered_runs(months: Iterable[Sequence[HistoryEntry]], since: datetime.datetime | None) -> list[HistoryEntry]:
    """Return the runs of some months that were due to start at a time or later, oldest first."""
    return sorted(runs_since([run for month in months for run in month], since), key=run_order)


def listed_months(store: ObjectStore, root: str, use_case: str, since: datetime.datetime | None) -> list[str]:
    """
    Return the URIs of the months of a history that may have runs since a time, oldest first.

    Other objects in the folder, such as a copy of a month, are not listed.
    """
    first = "" if since is None else history_month_uri(root, use_case, since)
    return [uri for uri in store.list(history_uri(root, use_case)) if uri >= first and _MONTH.search(uri)]


def read_runs(store: ObjectStore, uri: str) -> list[HistoryEntry]:
    """
    Read the runs of one month.

    :raises StoredRecordError: the object is not the history of a month.
    :raises NewerFormatError: a newer version wrote the object.
    """
    runs = read_json(store, uri, HistoryMonth)["runs"]
    _require_usable(runs, uri)
    return runs


def _require_usable(runs: Sequence[HistoryEntry], uri: str) -> None:
    """Raise an error if a value has the right type, but no page and no budget could use it."""
    for number, run in enumerate(runs, start=1):
        if not (_is_time(run["started_at"]) and _is_time(run["ended_at"] or run["started_at"])):
            raise broken_record(uri, f"has runs.{number} with a time that is not a time with a time zone")
        if any(rate["half_win_ci95"] and len(rate["half_win_ci95"]) != 2 for rate in run.get("judges", ())):
            raise broken_record(uri, f"has runs.{number}.judges with an interval that does not have two ends")
        if not _has_finite_numbers(run):
            raise broken_record(uri, f"has runs.{number} with a number that is not finite or far too large")


def _has_finite_numbers(value: object) -> bool:
    """Return whether all numbers are finite. A sum with NaN would fit into every budget."""
    if isinstance(value, Mapping):
        return all(map(_has_finite_numbers, value.values()))
    if isinstance(value, list):
        return all(map(_has_finite_numbers, value))
    return not isinstance(value, int | float) or abs(value) <= _LARGEST


def _is_time(text: str) -> bool:
    try:
        moment = datetime.datetime.fromisoformat(text)
        moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError):  # the first and the last hours of the calendar have no time in UTC
        return False
    return moment.utcoffset() is not None


def runs_since(runs: Sequence[HistoryEntry], since: datetime.datetime | None) -> list[HistoryEntry]:
    """Return the runs that were due to start at a time or later; all runs without a time."""
    if since is None:
        return list(runs)
    return [run for run in runs if datetime.datetime.fromisoformat(run["started_at"]) >= since]


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
                runs += read_runs(store, uri)
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
