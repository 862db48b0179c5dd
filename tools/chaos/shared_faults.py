"""Do something to all running cases at once, when each of them has reached its instant."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class SharedFaultMissedError(Exception):
    """A shared fault did not happen in time, because some case never reached its instant."""


class SharedFault:
    """
    A barrier that ends in one action, and can be used again.

    :param parties: how many cases take part.
    :param act: the action; the last case to arrive does it, and the others go on when it is done.
    :param is_over: tells that nobody should wait any longer.
    """

    def __init__(self, parties: int, act: Callable[[], None], is_over: Callable[[], bool] = lambda: False) -> None:
        self._parties = parties
        self._act = act
        self._is_over = is_over
        self._arrived = 0
        self._times_done = 0
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def arrive(self, timeout_seconds: float) -> None:
        """
        Wait for the next time that the action is done.

        :raises SharedFaultMissedError: not all other cases arrived in time.
        """
        with self._changed:
            times_done_before = self._times_done
            self._arrived += 1
            self._act_when_complete()
            deadline = time.monotonic() + timeout_seconds
            while self._times_done == times_done_before and time.monotonic() < deadline and not self._is_over():
                self._changed.wait(min(1.0, timeout_seconds))
            if self._times_done == times_done_before:
                self._arrived -= 1
                raise SharedFaultMissedError(f"Of {self._parties} cases only {self._arrived + 1} arrived.")
            if self._error:
                raise self._error

    def leave(self) -> None:
        """Take a case out, which may be the one that the others wait for."""
        with self._changed:
            self._parties -= 1
            self._act_when_complete()

    def _act_when_complete(self) -> None:
        if not self._arrived or self._arrived < self._parties:
            return
        try:
            self._act()
        except Exception as error:
            self._error = error
        self._arrived = 0
        self._times_done += 1
        self._changed.notify_all()
