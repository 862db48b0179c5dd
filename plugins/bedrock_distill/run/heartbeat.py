"""Write one line a minute to a task's log while the task works or waits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERVAL_SECONDS = 60.0
_JOIN_SECONDS = 5.0

log = logging.getLogger(__name__)


def format_duration(seconds: float) -> str:
    """Return a duration as text, such as ``45 s``, ``12 min`` or ``3 h 05 min``."""
    if seconds < 60:
        return f"{int(seconds)} s"
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def waiting_line(
    task_id: str, seconds: float, *, waits_for: str, progress: str, unanswered: str, cost_so_far: str
) -> str:
    """
    Return the log line about a task that waits, in a worker or in the triggerer.

    It names the task, how long it has waited, what it waits for, the progress, and the cost so far.
    """
    parts = [
        f"{task_id}: {format_duration(seconds)} so far, waiting for {waits_for}",
        progress.rstrip("."),
        unanswered,
        f"Cost so far: {cost_so_far}",
    ]
    return ". ".join(part for part in parts if part) + "."


class Heartbeat:
    """
    Write a line at the end of each interval, until the wait is over.

    :param line: returns the line, given the seconds since the start.
    :param write: writes a line to the log.
    :param wait: waits for a number of seconds; returns whether the heartbeat must stop.
    """

    def __init__(
        self,
        line: Callable[[float], str],
        write: Callable[[str], None],
        *,
        wait: Callable[[float], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self._write = write
        self._wait = wait
        self._clock = clock

    def run(self) -> None:
        """Write the lines. If a line cannot be written, the task goes on, and the error is logged at DEBUG."""
        started = self._clock()
        due = started + INTERVAL_SECONDS
        while not self._wait(max(0.0, due - self._clock())):
            now = self._clock()
            try:
                self._write(self._line(now - started))
            except Exception:
                log.debug("The line about a wait could not be written", exc_info=True)
            # If the machine was paused, the missed lines are skipped. They are not written all at once.
            due = (due if due + INTERVAL_SECONDS > now else now) + INTERVAL_SECONDS


@contextmanager
def heartbeat(line: Callable[[float], str], write: Callable[[str], None]) -> Iterator[None]:
    """Write a line a minute in a separate thread while the block runs."""
    stopped = threading.Event()
    beat = Heartbeat(line, write, wait=stopped.wait)
    thread = threading.Thread(target=beat.run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(_JOIN_SECONDS)
