"""Count the calls of a task, so that the task can report its progress and the reason for a delay."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from include.distill.core.errors import ServiceError, ThrottledError


class CallProgress:
    """
    Count a task's answers and failed calls, and remember the first failure since the last answer.

    The class is thread-safe.

    :param calls: expected number of calls.
    :param clock: returns the time in seconds.
    """

    def __init__(self, calls: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._clock = clock
        self._answers = self._sent = 0
        self._failing_since: float | None = None
        self._failures = 0
        self._are_throttled = False
        self._last_error = ""
        self._lock = threading.Lock()

    def record_answer(self) -> None:
        """Count a request whose answer has arrived, either from the store or from a new call."""
        with self._lock:
            self._answers += 1

    def record_success(self) -> None:
        """Count a call that the model answered."""
        with self._lock:
            self._sent += 1
            self._failures, self._failing_since = 0, None

    def record_failure(self, error: ServiceError) -> None:
        """Count a call that failed."""
        with self._lock:
            self._failures += 1
            is_throttled = isinstance(error, ThrottledError)
            if self._failing_since is None:
                self._failing_since, self._are_throttled = self._clock(), is_throttled
            self._are_throttled = self._are_throttled and is_throttled
            self._last_error = error.happened.rstrip(".")

    def describe(self) -> str:
        """Return a sentence about the answers so far and about calls that fail."""
        with self._lock:
            text = f"{self._answers} of about {self._calls} answers so far (new calls that were answered: {self._sent})"
            if self._failing_since is None:
                return f"{text}."
            seconds = self._clock() - self._failing_since
            problem = "Bedrock has throttled" if self._are_throttled else "Bedrock has failed to answer"
            last = "" if self._are_throttled else f" The last error: {self._last_error}."
            return f"{text}. {problem} every call for {seconds:.0f} s (calls: {self._failures}).{last}"
