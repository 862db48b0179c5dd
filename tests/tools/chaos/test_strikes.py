from __future__ import annotations

import threading

import pytest

from tools.chaos.strikes import Strike, StrikeMissedError


def go(*steps: object) -> list[threading.Thread]:
    threads = [threading.Thread(target=step) for step in steps]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    return threads


def test_the_blow_falls_once_when_all_have_come_and_again_the_next_time() -> None:
    blows: list[int] = []
    strike = Strike(3, lambda: blows.append(1))

    def case() -> None:
        for _ in range(2):
            strike.arrive(5)

    for thread in go(case, case, case):
        thread.join()
    assert len(blows) == 2


def test_the_others_do_not_wait_for_a_case_that_left() -> None:
    blows: list[int] = []
    strike = Strike(2, lambda: blows.append(1))
    (thread,) = go(lambda: strike.arrive(5))
    strike.leave()
    thread.join()
    assert blows == [1]


def test_a_blow_that_fails_fails_every_case_that_took_it() -> None:
    def act() -> None:
        raise OSError("no such process")

    strike, errors = Strike(2, act), []

    def case() -> None:
        try:
            strike.arrive(5)
        except OSError as error:
            errors.append(error)

    for thread in go(case, case):
        thread.join()
    assert len(errors) == 2


def test_a_case_that_waits_in_vain_says_so() -> None:
    with pytest.raises(StrikeMissedError, match="Of 2 cases only 1 came"):
        Strike(2, lambda: None).arrive(0.01)
