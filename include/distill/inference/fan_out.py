"""
Process many rows in threads. If a row fails, the other rows are still processed.

A row that fails with a :class:`ServiceError` is returned as a :class:`Failure`. Any other exception is a defect and
stops all work. If a call is refused for a reason that applies to every row, such as denied access, all work also
stops.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from include.distill.core.errors import (
    InvalidRequestError,
    RefusedError,
    ServiceError,
)

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

# Number of rows per thread that are submitted before their results are yielded. Results are yielded in order, so a slow
# row delays the results of later rows. With a smaller number, the other threads would be idle until the slow row ends.
# With a larger number, more results would wait in memory.
LOOK_AHEAD = 2


@dataclass(frozen=True)
class Failure(Generic[ItemT]):
    """A row that failed, with its error."""

    item: ItemT
    error: ServiceError


@dataclass(frozen=True)
class Outcomes(Generic[ItemT, ResultT]):
    """The results and the failures, both in the order of the items. Both lists are held in memory."""

    results: list[ResultT]
    failures: list[Failure[ItemT]]

    @classmethod
    def collect(cls, outcomes: Iterable[ResultT | Failure[ItemT]]) -> Outcomes[ItemT, ResultT]:
        """Separate the results from the failures in the output of :func:`for_each`."""
        collected = cls([], [])
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                collected.failures.append(outcome)
            else:
                collected.results.append(outcome)
        return collected


def for_each(
    items: Iterable[ItemT], work: Callable[[ItemT], ResultT], *, threads: int
) -> Iterator[ResultT | Failure[ItemT]]:
    """
    Call ``work`` on every item with ``threads`` threads; yield the results and failures in the order of the items.

    At most ``LOOK_AHEAD * threads`` items are read before their results are yielded, so memory use does not grow with
    the number of items. No work starts before the first value is requested.

    :raises RefusedError: a call was refused for a reason that applies to every row. The rows that were already started
        are finished before the error is raised.
    """
    fatal_error: Future[ResultT | Failure[ItemT]] = Future()

    def attempt(item: ItemT) -> ResultT | Failure[ItemT]:
        try:
            return work(item)
        except BaseException as error:
            if isinstance(error, ServiceError) and _concerns_one_row(error):
                return Failure(item, error)
            with suppress(InvalidStateError):  # another row failed first
                fatal_error.set_exception(error)
            raise

    with _threads(threads) as pool:
        submitted = (pool.submit(attempt, item) for item in items)
        window = deque(itertools.islice(submitted, LOOK_AHEAD * threads))
        while window:
            wait([window[0], fatal_error], return_when=FIRST_COMPLETED)
            if fatal_error.done():  # set by any row, not only by the next row in order
                fatal_error.result()
            yield window.popleft().result()
            window.extend(itertools.islice(submitted, 1))


def _concerns_one_row(error: ServiceError) -> bool:
    return isinstance(error, InvalidRequestError) or not isinstance(error, RefusedError)


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Open a thread pool. At the end of the ``with`` block, wait for the started items and start no others."""
    pool = ThreadPoolExecutor(max_workers=count)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
