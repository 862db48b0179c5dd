"""A shared fault happens once for all cases that reached their instants."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tools.chaos.shared_faults import SharedFault, SharedFaultMissedError


def start(*steps: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=step) for step in steps]
    for thread in threads:
        thread.start()
    return threads


def test_the_fault_happens_once_when_all_have_arrived_and_again_the_next_time() -> None:
    done: list[int] = []
    fault = SharedFault(3, lambda: done.append(1))

    def case() -> None:
        for _ in range(2):
            fault.arrive(5)

    for thread in start(case, case, case):
        thread.join()
    assert len(done) == 2


def test_the_others_do_not_wait_for_a_case_that_left() -> None:
    done: list[int] = []
    fault = SharedFault(2, lambda: done.append(1))
    (thread,) = start(lambda: fault.arrive(5))
    fault.leave()
    thread.join()
    assert done == [1]


def test_an_action_that_fails_fails_every_case() -> None:
    def act() -> None:
        raise OSError("no such process")

    fault = SharedFault(2, act)
    errors: list[OSError] = []

    def case() -> None:
        try:
            fault.arrive(5)
        except OSError as error:
            errors.append(error)

    for thread in start(case, case):
        thread.join()
    assert len(errors) == 2


def test_a_shared_fault_that_is_not_complete_in_time_reports_how_many_cases_arrived() -> None:
    with pytest.raises(SharedFaultMissedError, match="Only 1 of 2 cases were ready"):
        SharedFault(2, lambda: None).arrive(0.01)


def test_no_case_waits_once_the_command_is_being_ended() -> None:
    with pytest.raises(SharedFaultMissedError):
        SharedFault(2, lambda: None, is_over=lambda: True).arrive(60)
