"""Record which components of a background stack were restarted, for the commands in the foreground."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class RestartLog:
    """A text file with one line for each restart. Several processes may have it open, and one of them writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines_read = len(self.lines())

    def add(self, text: str) -> None:
        """Add a line with the present time."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: {text}\n")

    def lines(self) -> list[str]:
        """Return all lines; none if no component was restarted."""
        try:
            return self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def new_lines(self) -> list[str]:
        """Return the lines that were added since this object was created, or since the last call."""
        lines = self.lines()
        new = lines[self._lines_read :]
        self._lines_read = len(lines)
        return new
