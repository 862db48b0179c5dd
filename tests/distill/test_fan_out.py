from __future__ import annotations

import threading
import time

import pytest

from include.distill.errors import (
    ContractError,
    InvalidRequestError,
    NotFoundError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
)
from include.distill.fan_out import for_each


def failing_at(bad: int, error: Exception) -> object:
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

    assert for_each(range(12), work, concurrency=concurrency).results == [item * 10 for item in range(12)]


def test_nothing_to_do_is_done() -> None:
    outcomes = for_each([], str, concurrency=2)
    assert (outcomes.results, outcomes.failures) == ([], [])


@pytest.mark.parametrize("error", [ThrottledError, TransientError, ContractError, InvalidRequestError])
def test_a_row_that_fails_is_set_aside_and_its_neighbours_are_done(error: type[ServiceError]) -> None:
    outcomes = for_each(range(5), failing_at(2, error("this row")), concurrency=2)
    assert outcomes.results == [0, 10, 30, 40]
    assert [(failure.item, type(failure.error)) for failure in outcomes.failures] == [(2, error)]


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
        for_each(range(200), work, concurrency=2)
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
        for_each(range(500), work, concurrency=2)
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

    for_each(range(20), work, concurrency=3)
    assert most == 3
