"""Record the restarts of a background stack's components, so that commands in the foreground can print them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = "%Y-%m-%d %H:%M:%S"


class RestartLog:
    """
    A text file with one line for each restart. The file is kept when the stack ends.

    Only the background process adds lines; other processes may read them at the same time. A second file has the number
    of lines that commands have already printed, so that each restart is printed once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._printed = path.with_suffix(".printed")

    def add(self, text: str) -> None:
        """Add a line: the present time and ``text``, which begins with the name of the restarted component."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).strftime(MOMENT)} UTC: {text}\n")

    def lines(self) -> list[str]:
        """Return all lines; an empty list if no component was restarted."""
        try:
            return self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def last_restarts(self) -> dict[str, datetime]:
        """Return the time of each component's last restart, by the component's name."""
        last = {}
        for line in self.lines():
            moment, _, text = line.partition(" UTC: ")
            last[text.partition(" ")[0]] = datetime.strptime(moment, MOMENT).replace(tzinfo=UTC)
        return last

    def new_lines(self) -> list[str]:
        """Return the lines that neither this command nor an earlier one has printed yet."""
        lines = self.lines()
        count = self._count_printed()
        new = lines[count if count <= len(lines) else 0 :]  # somebody may have deleted the log
        if new:
            self._printed.write_text(str(len(lines)), encoding="utf-8")
        return new

    def _count_printed(self) -> int:
        try:
            return int(self._printed.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return 0
