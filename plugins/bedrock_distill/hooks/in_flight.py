"""Remember which requests to AWS have no answer yet, so that a waiting task can say what it waits for."""

from __future__ import annotations

import datetime
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

# A request is mentioned only if it has waited at least this long.
SLOW_SECONDS = 20.0


# The owner of the requests that the current thread sends. The triggerer's process sends requests for many tasks, so
# each request has an owner.
OWNER: ContextVar[object] = ContextVar("owner", default=None)


@dataclass(frozen=True)
class _Request:
    what: str
    started: float
    limit: str
    owner: object


class InFlight:
    """
    The requests of one process that have no answer yet. The class is thread-safe.

    :param clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._requests: dict[int, _Request] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    @contextmanager
    def track(self, what: str, *, limit: str = "") -> Iterator[None]:
        """Count a request as unanswered inside the block.

        :param what: the API call and its resource, without any text of a prompt or an answer.
        :param limit: when botocore gives up on the request, such as "given up after about 6 min".
        """
        number = next(self._numbers)
        request = _Request(what, self._clock(), limit, OWNER.get())
        with self._lock:
            self._requests[number] = request
        try:
            yield
        finally:
            with self._lock:
                del self._requests[number]

    def slowest(self) -> str:
        """
        Describe the request that has waited longest; return an empty string if none has waited long.

        If :data:`OWNER` is set, only the requests of this owner are considered.
        """
        owner = OWNER.get()
        with self._lock:
            own = [request for request in self._requests.values() if owner is None or request.owner is owner]
            oldest = min(own, key=lambda request: request.started, default=None)
        if oldest is None or (seconds := self._clock() - oldest.started) < SLOW_SECONDS:
            return ""
        since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
        limit = f", {oldest.limit}" if oldest.limit else ""
        return f"AWS has not answered {oldest.what} for {seconds:.0f} s (since {since:%H:%M:%S} UTC{limit})"


IN_FLIGHT = InFlight()
