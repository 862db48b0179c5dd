"""Read the progress of all tasks of a run, and add up the tasks of each step."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from include.distill.core.storage import ObjectStore, read_json
from include.distill.progress.records import TaskProgress
from include.distill.progress.text import seconds_left

log = logging.getLogger(__name__)

_READERS = 16


@dataclass(frozen=True)
class StepProgress:
    """
    The progress of a step, which is one task or all mapped tasks with one id.

    :ivar rows: rows of all tasks, also of those that have not started.
    :ivar are_rows_estimated: whether the rows of the tasks that have not started are not known exactly.
    :ivar seconds_left: at the current rate; ``None`` if the rate is not known or no row is left.
    :ivar updated_at: when the newest record was written, ISO 8601.
    :ivar is_working: whether a task has started and not ended.
    """

    rows: int
    are_rows_estimated: bool
    rows_done: int
    asked: int
    stored: int
    usd: float
    seconds_left: float | None
    updated_at: str
    is_working: bool


def read_progress(store: ObjectStore, prefix: str) -> list[TaskProgress]:
    """Read the records below ``prefix``. A record that cannot be read is left out, because the next one follows."""
    uris = store.list(prefix)
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        records = list(pool.map(lambda uri: _read(store, uri), uris))
    return [record for record in records if record is not None]


def _read(store: ObjectStore, uri: str) -> TaskProgress | None:
    try:
        return read_json(store, uri, TaskProgress)
    except Exception:
        log.debug("The progress in %s could not be read", uri, exc_info=True)
        return None


def step_progress(
    tasks: Sequence[TaskProgress], *, waiting: int = 0, known_rows: int | None = None
) -> StepProgress | None:
    """
    Add up the records of the tasks of one step; ``None`` without records.

    :param waiting: number of the step's tasks that have not started. If ``known_rows`` is ``None``, each is expected to
        have as many rows as the average task that has started.
    :param known_rows: number of rows of the whole step.
    """
    if not tasks:
        return None
    rows = sum(task["rows"] for task in tasks)
    waiting_rows = 0.0
    if waiting:
        waiting_rows = rows / len(tasks) * waiting if known_rows is None else max(0, known_rows - rows)
    return StepProgress(
        rows + round(waiting_rows),
        waiting > 0 and known_rows is None,
        sum(task["rows_done"] for task in tasks),
        sum(task["asked"] for task in tasks),
        sum(task["stored"] for task in tasks),
        sum(task["usd"] for task in tasks),
        _seconds_left(tasks, waiting_rows),
        max(task["updated_at"] for task in tasks),
        any(task["ended_at"] is None for task in tasks),
    )


def _seconds_left(tasks: Sequence[TaskProgress], waiting_rows: float) -> float | None:
    running = [task for task in tasks if task["ended_at"] is None]
    slowest = max((seconds_left(task) or 0.0 for task in running), default=0.0)
    rate = sum(task["rows_per_second"] or 0.0 for task in running) or _rate_of_ended(tasks)
    rows = waiting_rows + sum(task["rows"] - task["rows_done"] for task in running)
    if not rate or rows <= 0:
        return None
    # The tasks work at the same time, so the step takes at least as long as its slowest task.
    return max(slowest, rows / rate)


def _rate_of_ended(tasks: Sequence[TaskProgress]) -> float:
    """
    Return the rows per second of the tasks that have ended; 0 if none has.

    The running tasks may be too small to have a rate: with one row per task, a task ends with its first row.
    """
    ended = [task for task in tasks if task["ended_at"]]
    if not ended:
        return 0.0
    begin = min(datetime.datetime.fromisoformat(task["started_at"]) for task in ended)
    end = max(datetime.datetime.fromisoformat(task["updated_at"]) for task in ended)
    seconds = (end - begin).total_seconds()
    return sum(task["rows_done"] for task in ended) / seconds if seconds > 0 else 0.0
