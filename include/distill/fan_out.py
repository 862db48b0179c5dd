"""
Work on many rows at a time, where one failed row never fails its neighbours.

A row that fails with a :class:`ServiceError` is set aside with its error; any other exception is a defect and stops
everything. Access that is refused is refused for every row, so that too stops at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from include.distill.errors import (
    InvalidRequestError,
    RefusedError,
    ServiceError,
)

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure(Generic[Item]):
    """A row that could not be worked on, and why."""

    item: Item
    error: ServiceError


@dataclass(frozen=True)
class Outcomes(Generic[Item, Result]):
    """Results in the order of the items, and the failures."""

    results: list[Result]
    failures: list[Failure[Item]]


def for_each(items: Sequence[Item], work: Callable[[Item], Result], *, concurrency: int) -> Outcomes[Item, Result]:
    """Call ``work`` on every item, ``concurrency`` at a time.

    :raises RefusedError: refused for a reason that holds for every row; rows under way are finished and stored first.
    """

    def attempt(item: Item) -> Result | Failure[Item]:
        try:
            return work(item)
        except InvalidRequestError as error:
            return Failure(item, error)
        except RefusedError:
            raise
        except ServiceError as error:
            return Failure(item, error)

    pool = ThreadPoolExecutor(max_workers=concurrency)
    done = [pool.submit(attempt, item) for item in items]
    try:
        wait(done, return_when=FIRST_EXCEPTION)  # whichever row it is, not the first in order
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    # Rows are begun in order, so what raised stands before everything that was cancelled.
    outcomes = [future.result() for future in done]
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    return Outcomes([outcome for outcome in outcomes if not isinstance(outcome, Failure)], failures)
