"""
Work on many rows at a time, where one failed row never fails its neighbours.

A row that fails with a :class:`ServiceError` is set aside with its error; any other exception is a defect and stops
everything. Access that is refused is refused for every row, so that too stops at once.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from include.distill.core.errors import (
    InvalidRequestError,
    RefusedError,
    ServiceError,
)

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

# Rows begun and not handed on yet, per thread. A slow row holds back what stands behind it: with less, its
# neighbours' threads run dry; with more, more results wait in memory.
LOOK_AHEAD = 2


@dataclass(frozen=True)
class Failure(Generic[ItemT]):
    """A row that could not be worked on, and why."""

    item: ItemT
    error: ServiceError


@dataclass(frozen=True)
class Outcomes(Generic[ItemT, ResultT]):
    """Results in the order of the items, and the failures; for as many rows as fit into memory."""

    results: list[ResultT]
    failures: list[Failure[ItemT]]

    @classmethod
    def collect(cls, outcomes: Iterable[ResultT | Failure[ItemT]]) -> Outcomes[ItemT, ResultT]:
        """Part results from failures."""
        sorted_out = cls([], [])
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                sorted_out.failures.append(outcome)
            else:
                sorted_out.results.append(outcome)
        return sorted_out


def for_each(
    items: Iterable[ItemT], work: Callable[[ItemT], ResultT], *, threads: int
) -> Iterator[ResultT | Failure[ItemT]]:
    """
    Call ``work`` on every item, ``threads`` at a time, and yield what comes of each, in the order of the items.

    Items are taken as they are needed, at most ``LOOK_AHEAD`` times ``threads`` ahead of what was yielded, so
    memory does not grow with their number. Nothing is asked before the first value is taken.

    :raises RefusedError: refused for a reason that holds for every row; rows under way are finished and stored first.
    """
    stopped: Future[Any] = Future()

    def attempt(item: ItemT) -> ResultT | Failure[ItemT]:
        try:
            return work(item)
        except BaseException as error:
            if isinstance(error, ServiceError) and _concerns_one_row(error):
                return Failure(item, error)
            with suppress(InvalidStateError):  # another row was first
                stopped.set_exception(error)
            raise

    with _threads(threads) as pool:
        begun: Iterator[Future[Any]] = (pool.submit(attempt, item) for item in items)
        window = deque(itertools.islice(begun, LOOK_AHEAD * threads))
        while window:
            wait([window[0], stopped], return_when=FIRST_COMPLETED)
            if stopped.done():  # whichever row it is, not the first in order
                stopped.result()
            yield window.popleft().result()
            window.extend(itertools.islice(begun, 1))


def _concerns_one_row(error: ServiceError) -> bool:
    return isinstance(error, InvalidRequestError) or not isinstance(error, RefusedError)


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads; at the end, those at work finish what they have begun and begin nothing more."""
    pool = ThreadPoolExecutor(max_workers=count)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
