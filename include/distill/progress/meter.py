"""Build the record of a task's progress while the task runs."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import NamedTuple

from include.distill.progress.rate import RowRate
from include.distill.progress.records import TaskProgress


class Counts(NamedTuple):
    """What a task has done so far; see :class:`~include.distill.progress.records.TaskProgress`."""

    rows_done: int
    asked: int
    stored: int
    usd: float


class ProgressMeter:
    """
    Build records of one attempt of a task.

    :param map_index: ``-1`` if the task is not mapped.
    :param counts: returns what the task has done so far. Any thread may call it.
    :param clock: returns the time in seconds.
    :param now: returns the time of day.
    """

    def __init__(
        self,
        task_id: str,
        map_index: int,
        rows: int,
        counts: Callable[[], Counts],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._task_id, self._map_index, self._rows, self._counts = task_id, map_index, rows, counts
        self._clock, self._now = clock, now
        self._started = now()
        self._rate = RowRate(clock())

    def record(self, *, ended: bool = False) -> TaskProgress:
        """Return the progress at this moment; ``ended`` is true at the end of the attempt."""
        counts = self._counts()
        now = self._now().isoformat()
        return {
            "task_id": self._task_id,
            "map_index": self._map_index,
            "rows": self._rows,
            **counts._asdict(),  # type: ignore[typeddict-item]
            "rows_per_second": self._rate.observe(self._clock(), counts.rows_done),
            "started_at": self._started.isoformat(),
            "updated_at": now,
            "ended_at": now if ended else None,
        }
