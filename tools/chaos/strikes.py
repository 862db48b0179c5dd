"""A blow that several cases take at once: it falls when all that are still in the game stand where they want it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class StrikeMissedError(Exception):
    """A strike did not fall in time, because some case never came."""


class Strike:
    """
    A rendezvous of cases that ends in one action.

    :param act: what is done once, by the last to arrive; the others go on when it is done.
    :param is_over: tells that nobody should wait any more.
    """

    def __init__(self, parties: int, act: Callable[[], None], is_over: Callable[[], bool] = lambda: False) -> None:
        self._parties = parties
        self._act = act
        self._is_over = is_over
        self._arrived = 0
        self._fallen = 0
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def arrive(self, timeout_seconds: float) -> None:
        """
        Wait for the next blow and return when it has fallen.

        :raises StrikeMissedError: not all others came in time.
        """
        with self._changed:
            wave = self._fallen
            self._arrived += 1
            self._fall_when_complete()
            if not self._wait(wave, timeout_seconds):
                self._arrived -= 1
                raise StrikeMissedError(f"Of {self._parties} cases only {self._arrived + 1} came.")
            if self._error:
                raise self._error

    def _wait(self, wave: int, timeout_seconds: float) -> bool:
        deadline = time.monotonic() + timeout_seconds
        while self._fallen == wave and time.monotonic() < deadline and not self._is_over():
            self._changed.wait(min(1.0, timeout_seconds))
        return self._fallen > wave

    def leave(self) -> None:
        """Take a case out of the game, which may be what the others wait for."""
        with self._changed:
            self._parties -= 1
            self._fall_when_complete()

    def _fall_when_complete(self) -> None:
        if not self._arrived or self._arrived < self._parties:
            return
        try:
            self._act()
        except Exception as error:
            self._error = error
        self._arrived = 0
        self._fallen += 1
        self._changed.notify_all()
