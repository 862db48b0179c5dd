"""
Show the progress of a run on a terminal or in a log.

On a terminal, finished steps stay on the screen, and the running steps are redrawn below them. In a log, one line is
written when a step starts and one when it ends.
"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, TextIO

from tools.local_airflow import progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.local_airflow.progress import Step

CLEAR_TO_END = "\x1b[J"
COLOURS = {
    progress.DONE: "\x1b[32m",
    progress.FAILED: "\x1b[31m",
    progress.RUNNING: "\x1b[36m",
    progress.WAITING: "\x1b[36m",
    progress.RETRYING: "\x1b[33m",
    progress.NOT_RUN: "\x1b[2m",
}
RESET = "\x1b[0m"
UNCHANGED_SECONDS = 30.0  # a log gets a new line after this time, even if nothing has changed


class ProgressDisplay:
    """
    Shows the current state of one run, each time :meth:`show` is called.

    :param live: redraw the running steps in place; this needs a terminal.
    :param colour: show states in colour in addition to words.
    """

    def __init__(self, stream: TextIO, *, live: bool, colour: bool) -> None:
        self._stream = stream
        self._live = live
        self._colour = colour
        self._before: list[Step] = []
        self._finished: set[str] = set()
        self._drawn_lines = 0
        self._last_line = time.monotonic()

    def show(self, steps: Sequence[Step], elapsed_seconds: float) -> None:
        """Draw the current state."""
        width = max((len(step.task_id) for step in steps), default=0)
        if self._live:
            self._redraw(steps, width, elapsed_seconds)
        else:
            self._log(steps, width, elapsed_seconds)
        self._before = list(steps)
        self._stream.flush()

    def note(self, text: str) -> None:
        """Write a line that stays on the screen. The next :meth:`show` redraws the running steps below it."""
        self._erase()
        self._stream.write(f"  {text}\n")
        self._stream.flush()

    def close(self) -> None:
        """Erase the lines of the running steps. The lines of the finished steps stay."""
        self._erase()
        self._stream.flush()

    def _redraw(self, steps: Sequence[Step], width: int, elapsed_seconds: float) -> None:
        self._erase()
        for step in steps:
            if step.state in progress.FINISHED and step.task_id not in self._finished:
                self._finished.add(step.task_id)
                self._stream.write(self._line(step, width) + "\n")
        size = shutil.get_terminal_size()
        active = [step for step in steps if step.state in progress.ACTIVE][: max(1, size.lines - 3)]
        block = [self._line(step, width, size.columns) for step in active]
        block.append(f"  {progress.headline(steps, elapsed_seconds)}"[: size.columns - 1])
        self._stream.write("\n".join(block) + "\n")
        self._drawn_lines = len(block)

    def _log(self, steps: Sequence[Step], width: int, elapsed_seconds: float) -> None:
        lines = [self._line(step, width) for step in progress.changes(self._before, steps)]
        if not lines and time.monotonic() - self._last_line > UNCHANGED_SECONDS:
            lines = [f"  {progress.headline(steps, elapsed_seconds)}"]
        if lines:
            self._stream.write("\n".join(lines) + "\n")
            self._last_line = time.monotonic()

    def _line(self, step: Step, width: int, columns: int | None = None) -> str:
        text = "  " + progress.describe(step, width)
        if columns is not None:
            text = text[: columns - 1]  # if a line wrapped, the cursor could not return to the start of the line
        colour = COLOURS.get(step.state, "") if self._colour else ""
        return f"{colour}{text}{RESET}" if colour else text

    def _erase(self) -> None:
        if self._drawn_lines:
            self._stream.write(f"\x1b[{self._drawn_lines}A\r{CLEAR_TO_END}")
            self._drawn_lines = 0


def open_display(stream: TextIO, environ: Mapping[str, str]) -> ProgressDisplay:
    """Choose the display for a stream; respect ``NO_COLOR`` and ``TERM=dumb``."""
    terminal = stream.isatty() and environ.get("TERM", "dumb") != "dumb"
    return ProgressDisplay(stream, live=terminal, colour=terminal and not environ.get("NO_COLOR"))
