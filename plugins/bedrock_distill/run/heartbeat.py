"""Write one line a minute to the log of a task that works or waits, and store the progress of a task that works."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from include.distill.core.durations import format_duration
from include.distill.progress.writer import INTERVAL_SECONDS as WRITER_INTERVAL_SECONDS
from include.distill.progress.writer import ProgressWriter

INTERVAL_SECONDS = 60.0
_JOIN_SECONDS = 5.0

log = logging.getLogger(__name__)


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
    :param interval_seconds: time between two lines.
    """

    def __init__(
        self,
        line: Callable[[float], str],
        write: Callable[[str], None],
        *,
        wait: Callable[[float], bool],
        clock: Callable[[], float] = time.monotonic,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._line = line
        self._write = write
        self._wait = wait
        self._clock = clock
        self._interval_seconds = interval_seconds

    def run(self) -> None:
        """Write the lines. If a line cannot be written, the task goes on, and the error is logged at DEBUG."""
        started = self._clock()
        due = started + self._interval_seconds
        while not self._wait(max(0.0, due - self._clock())):
            now = self._clock()
            try:
                self._write(self._line(now - started))
            except Exception:
                log.debug("The line about a wait could not be written", exc_info=True)
            # If the machine was paused, the missed lines are skipped. They are not written all at once.
            due = (due if due + self._interval_seconds > now else now) + self._interval_seconds


@contextmanager
def heartbeat(line: Callable[[float], str], write: Callable[[str], None]) -> Iterator[None]:
    """Write a line a minute in a separate thread while the block runs."""
    stopped = threading.Event()
    beat = Heartbeat(line, write, wait=stopped.wait, interval_seconds=INTERVAL_SECONDS)
    with _thread(beat, stopped, "heartbeat"):
        yield


@contextmanager
def recorded_progress(writer: ProgressWriter) -> Iterator[None]:
    """Write the progress of a task before and after the block, and every ten seconds while the block runs."""
    stopped = threading.Event()
    beat = Heartbeat(
        lambda _: "", lambda _: writer.write(), wait=stopped.wait, interval_seconds=WRITER_INTERVAL_SECONDS
    )
    writer.write()
    try:
        with _thread(beat, stopped, "progress"):
            yield
    finally:
        writer.close()


@contextmanager
def _thread(beat: Heartbeat, stopped: threading.Event, name: str) -> Iterator[None]:
    thread = threading.Thread(target=beat.run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(_JOIN_SECONDS)
