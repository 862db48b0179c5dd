"""
Process many rows in threads, so that a failed row does not fail the others.

A row that fails with a :class:`ServiceError` is returned as a :class:`Failure`. Any other exception is a defect and
stops all work. Refused access stops all work too, because it would be refused for every row.
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

# How many rows are started per thread before their results are taken. Results come in order, so a slow row delays later
# ones: with fewer, the other threads would run idle; with more, more results would wait in memory.
LOOK_AHEAD = 2


@dataclass(frozen=True)
class Failure(Generic[ItemT]):
    """A row that failed, and why."""

    item: ItemT
    error: ServiceError


@dataclass(frozen=True)
class Outcomes(Generic[ItemT, ResultT]):
    """Results and failures, each in the order of the items; for rows that fit into memory."""

    results: list[ResultT]
    failures: list[Failure[ItemT]]

    @classmethod
    def collect(cls, outcomes: Iterable[ResultT | Failure[ItemT]]) -> Outcomes[ItemT, ResultT]:
        """Separate results from failures."""
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
    Call ``work`` on every item in ``threads`` threads, and yield its result or failure in the order of the items.

    Items are read at most ``LOOK_AHEAD`` times ``threads`` ahead of what was yielded, so memory does not grow with
    their number. Nothing is called before the first value is taken.

    :raises RefusedError: refused for a reason that applies to every row. Rows that were started are finished first.
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
            if fatal_error.done():  # of any row, not only of the next in order
                fatal_error.result()
            yield window.popleft().result()
            window.extend(itertools.islice(submitted, 1))


def _concerns_one_row(error: ServiceError) -> bool:
    return isinstance(error, InvalidRequestError) or not isinstance(error, RefusedError)


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Open a pool whose threads, at the end of the block, finish what they started and start nothing more."""
    pool = ThreadPoolExecutor(max_workers=count)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
