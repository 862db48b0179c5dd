from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from include.distill.core.errors import (
    ContractError,
    InvalidRequestError,
    NotFoundError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
)
from include.distill.inference.fan_out import LOOK_AHEAD, Failure, Outcomes, for_each


def failing_at(bad: int, error: Exception) -> Callable[[int], int]:
    def work(item: int) -> int:
        if item == bad:
            raise error
        return item * 10

    return work


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_results_are_returned_in_the_order_of_the_items(concurrency: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.01 if item % 2 else 0)
        return item * 10

    assert list(for_each(range(12), work, threads=concurrency)) == [item * 10 for item in range(12)]


def test_no_items_give_no_results() -> None:
    assert list(for_each([], str, threads=2)) == []


@pytest.mark.parametrize("error", [ThrottledError, TransientError, ContractError, InvalidRequestError])
def test_a_failed_row_is_returned_as_a_failure_and_the_other_rows_are_processed(error: type[ServiceError]) -> None:
    outcomes = list(for_each(range(5), failing_at(2, error("this row")), threads=2))
    assert [outcome for outcome in outcomes if not isinstance(outcome, Failure)] == [0, 10, 30, 40]
    assert isinstance(outcomes[2], Failure)
    assert (outcomes[2].item, type(outcomes[2].error)) == (2, error)
    assert Outcomes.collect(outcomes) == Outcomes([0, 10, 30, 40], [outcomes[2]])


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RefusedError("no access"), id="access refused"),
        pytest.param(NotFoundError("no model"), id="endpoint deleted"),
        pytest.param(ValueError("a defect"), id="defect"),
        pytest.param(KeyError("a defect"), id="another defect"),
    ],
)
def test_an_error_that_would_affect_every_row_stops_the_remaining_rows(error: Exception) -> None:
    done: list[int] = []

    def work(item: int) -> None:
        if item == 0:
            raise error
        time.sleep(0.01)
        done.append(item)

    with pytest.raises(type(error)) as raised:
        list(for_each(range(200), work, threads=2))
    assert raised.value is error
    assert len(done) < 50


def test_a_fatal_error_stops_the_remaining_rows_while_an_earlier_slow_row_finishes() -> None:
    done: list[int] = []
    refused = threading.Event()

    def work(item: int) -> None:
        if item == 1:
            refused.set()
            raise RefusedError("no access")
        if item == 0:
            refused.wait()
            time.sleep(0.15)
        time.sleep(0.01)
        done.append(item)

    with pytest.raises(RefusedError):
        list(for_each(range(500), work, threads=2))
    assert 0 in done, "the row in progress is finished, because its answer is paid for"
    assert len(done) < 10


def test_no_more_rows_are_in_progress_than_threads() -> None:
    lock, in_progress, maximum = threading.Lock(), 0, 0

    def work(_: int) -> None:
        nonlocal in_progress, maximum
        with lock:
            in_progress += 1
            maximum = max(maximum, in_progress)
        time.sleep(0.005)
        with lock:
            in_progress -= 1

    list(for_each(range(20), work, threads=3))
    assert maximum == 3


def test_rows_are_read_at_most_one_window_ahead_of_the_results() -> None:
    read = 0

    def rows() -> Iterator[int]:
        nonlocal read
        while True:
            read += 1
            yield read

    outcomes = for_each(rows(), str, threads=2)
    assert read == 0, "nothing is read before the first result is taken"
    for taken in range(1, 50):
        next(outcomes)
        assert read <= taken + 2 * LOOK_AHEAD
    outcomes.close()
    assert read < 100


def test_closing_the_results_stops_the_work() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        time.sleep(0.01)
        done.append(item)

    outcomes = for_each(range(500), work, threads=2)
    next(outcomes)
    outcomes.close()
    finished = len(done)
    time.sleep(0.03)
    assert len(done) == finished < 20


def test_an_error_while_reading_rows_is_raised() -> None:
    def rows() -> Iterator[int]:
        yield 1
        raise ValueError("line 2 is torn")

    with pytest.raises(ValueError, match="line 2 is torn"):
        list(for_each(rows(), str, threads=2))


def test_a_slow_row_does_not_block_the_other_rows() -> None:
    at_once = 4
    others = threading.Semaphore(0)

    def work(item: int) -> int:
        if item == 0:
            for _ in range(LOOK_AHEAD * at_once - 1):
                assert others.acquire(timeout=5)
        else:
            others.release()
        return item

    assert list(for_each(range(40), work, threads=at_once)) == list(range(40))
