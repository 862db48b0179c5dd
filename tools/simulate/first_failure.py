"""End all shares of a simulation soon after one of them has found a failure, if a person looks for one defect."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FirstFailure:
    """
    What the shares know about the first failure.

    :ivar path: a file that a share creates when it finds a failure; ``None`` if no failure ends the search.
    """

    path: Path | None = None

    def is_found(self) -> bool:
        """Return whether a share has found a failure, so that all shares must end."""
        return self.path is not None and self.path.exists()

    def report(self) -> None:
        """Let all shares know that a failure was found."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()

    def forget(self) -> None:
        """Let the next search go on."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
