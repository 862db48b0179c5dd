"""Inject one fault into all running cases, once each case has reached the moment at which it needs the fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class SharedFaultMissedError(Exception):
    """A shared fault was not injected, because at least one case did not become ready for it in time."""


class SharedFault:
    """
    A reusable barrier that performs one action when all cases have arrived.

    :param parties: number of cases that take part.
    :param act: the action. The last case to arrive performs it; then all cases continue.
    :param is_over: returns True when no case should wait any longer.
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
        Wait until every case has arrived and the shared action has been performed.

        :raises SharedFaultMissedError: at least one case did not arrive in time, so nothing was done.
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
                raise SharedFaultMissedError(
                    f"Only {self._arrived + 1} of {self._parties} cases were ready for the shared fault "
                    "when the wait ended. The fault was not injected."
                )
            if self._error:
                raise self._error

    def leave(self) -> None:
        """Remove a case that has ended. If all remaining cases have arrived, perform the action."""
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
