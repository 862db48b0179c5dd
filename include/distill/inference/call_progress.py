"""Count the rows and calls of a task, so that the task can report its progress and the reason for a delay."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from include.distill.core.errors import ServiceError, ThrottledError
from include.distill.inference.model_calls import ModelCalls

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class CallCounts(NamedTuple):
    """
    What a task has done so far.

    :ivar rows_done: rows that have all their answers.
    :ivar asked: new calls that a model answered and whose answer is stored.
    :ivar stored: answers that were found in the answer store.
    """

    rows_done: int
    asked: int
    stored: int


class CallProgress:
    """
    Count a task's rows, answers and failed calls, and remember the first failure since the last answer.

    The class is thread-safe.

    :param clock: returns the time in seconds.
    :ivar model_calls: the calls and tokens of this attempt by model.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.model_calls = ModelCalls()
        self._clock = clock
        self._rows = self._asked = self._stored = 0
        self._failing_since: float | None = None
        self._failures = 0
        self._are_throttled = False
        self._last_error = ""
        self._lock = threading.Lock()

    @property
    def counts(self) -> CallCounts:
        """The rows and answers so far."""
        with self._lock:
            return CallCounts(self._rows, self._asked, self._stored)

    def counting_rows(self, work: Callable[[ItemT], ResultT]) -> Callable[[ItemT], ResultT]:
        """Return a function that calls ``work`` and then counts the row. A row that fails is not counted."""

        def work_and_count(item: ItemT) -> ResultT:
            result = work(item)
            with self._lock:
                self._rows += 1
            return result

        return work_and_count

    def record_answer(self, *, is_new: bool) -> None:
        """Count a request whose answer has arrived, either from a new call or from the store."""
        with self._lock:
            if is_new:
                self._asked += 1
            else:
                self._stored += 1

    def record_success(self) -> None:
        """Note that a model has answered a call."""
        with self._lock:
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

    def describe_failures(self) -> str:
        """Return sentences about the calls that have failed since the last answer; empty if the last call succeeded."""
        with self._lock:
            if self._failing_since is None:
                return ""
            seconds = self._clock() - self._failing_since
            problem = "Bedrock has throttled" if self._are_throttled else "Bedrock has failed to answer"
            last = "" if self._are_throttled else f" The last error: {self._last_error}."
            return f"{problem} every call for {seconds:.0f} s (calls: {self._failures}).{last}"
