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
def test_results_stand_in_the_order_of_the_items(concurrency: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.01 if item % 2 else 0)
        return item * 10

    assert list(for_each(range(12), work, threads=concurrency)) == [item * 10 for item in range(12)]


def test_nothing_to_do_is_done() -> None:
    assert list(for_each([], str, threads=2)) == []


@pytest.mark.parametrize("error", [ThrottledError, TransientError, ContractError, InvalidRequestError])
def test_a_row_that_fails_is_set_aside_and_its_neighbours_are_done(error: type[ServiceError]) -> None:
    outcomes = list(for_each(range(5), failing_at(2, error("this row")), threads=2))
    assert [outcome for outcome in outcomes if not isinstance(outcome, Failure)] == [0, 10, 30, 40]
    assert isinstance(outcomes[2], Failure)
    assert (outcomes[2].item, type(outcomes[2].error)) == (2, error)
    assert Outcomes.collect(outcomes) == Outcomes([0, 10, 30, 40], [outcomes[2]])


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RefusedError("no access"), id="access refused"),
        pytest.param(NotFoundError("no model"), id="endpoint gone"),
        pytest.param(ValueError("a defect"), id="defect"),
        pytest.param(KeyError("a defect"), id="another defect"),
    ],
)
def test_what_would_hit_every_row_stops_the_rest(error: Exception) -> None:
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


def test_it_stops_even_while_an_earlier_row_is_slow_and_lets_that_one_finish() -> None:
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
    assert 0 in done, "the row under way was paid for and is stored"
    assert len(done) < 10


def test_no_more_rows_are_under_way_than_stated() -> None:
    lock, under_way, most = threading.Lock(), 0, 0

    def work(_: int) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.005)
        with lock:
            under_way -= 1

    list(for_each(range(20), work, threads=3))
    assert most == 3


def test_rows_are_read_only_a_window_ahead_of_what_was_handed_on() -> None:
    read = 0

    def rows() -> Iterator[int]:
        nonlocal read
        while True:
            read += 1
            yield read

    outcomes = for_each(rows(), str, threads=2)
    assert read == 0, "nothing is asked before somebody wants a result"
    for handed_on in range(1, 50):
        next(outcomes)
        assert read <= handed_on + 2 * LOOK_AHEAD
    outcomes.close()
    assert read < 100


def test_who_stops_listening_stops_the_work() -> None:
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


def test_a_source_of_rows_that_breaks_says_so() -> None:
    def rows() -> Iterator[int]:
        yield 1
        raise ValueError("line 2 is torn")

    with pytest.raises(ValueError, match="line 2 is torn"):
        list(for_each(rows(), str, threads=2))


def test_a_slow_row_does_not_keep_the_others_from_being_worked_on() -> None:
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
