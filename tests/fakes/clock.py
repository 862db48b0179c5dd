"""A clock that moves only when a test moves it."""

from __future__ import annotations


class Clock:
    """Return ``now``, in seconds, when called."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
