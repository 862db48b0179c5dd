"""Measure at which rate a task works, over the last two minutes."""

from __future__ import annotations

from collections import deque
from threading import Lock

# The rate over the whole task would be misleading: rows whose answers are stored take milliseconds, and often come
# first when a task is repeated.
WINDOW_SECONDS = 120.0


class RowRate:
    """
    Return the rows per second that were done in the last two minutes.

    The class is thread-safe.

    :param now: the time at which the task started, in seconds.
    """

    def __init__(self, now: float) -> None:
        self._observed: deque[tuple[float, int]] = deque([(now, 0)])
        self._lock = Lock()

    def observe(self, now: float, rows_done: int) -> float | None:
        """Add an observation and return the rate; ``None`` if no row was done in the last two minutes."""
        with self._lock:
            self._observed.append((now, rows_done))
            # One observation from before the window stays, so that the rate covers the whole window.
            while len(self._observed) > 2 and self._observed[1][0] <= now - WINDOW_SECONDS:
                self._observed.popleft()
            then, rows_then = self._observed[0]
        seconds = now - then
        return (rows_done - rows_then) / seconds if seconds > 0 and rows_done > rows_then else None
