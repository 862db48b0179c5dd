"""Waiting ends when the event happens, when the CPU time for it is used up, or when no work is done."""

from __future__ import annotations

import itertools

import pytest

from tests.fakes.patience import STALL_SECONDS, wait_until


class Machine:
    """A machine on which the awaited process gets ``share`` of the time as CPU time."""

    def __init__(self, share: float) -> None:
        self.share, self.now = share, 1000.0

    def wait(self, happens_after_cpu: float) -> float:
        """Wait for an event that needs some CPU time; return the seconds that passed."""
        wait_until(
            lambda: self.cpu() >= happens_after_cpu - 1e-9,
            cpu_budget=15,
            cpu_seconds=self.cpu,
            clock=lambda: self.now,
            sleep=self.sleep,
        )
        return self.now - 1000

    def cpu(self) -> float:
        return (self.now - 1000) * self.share

    def sleep(self, _: float) -> None:
        self.now += 0.1


@pytest.mark.parametrize("share", [1.0, 0.3, 0.05, 0.01])
def test_the_machine_may_be_so_busy_that_the_event_takes_many_times_as_long(share: float) -> None:
    assert Machine(share).wait(3) == pytest.approx(3 / share, abs=0.2)


def test_an_event_that_the_work_does_not_bring_about_is_not_awaited_for_ever() -> None:
    machine = Machine(1.0)
    with pytest.raises(TimeoutError, match="No true value after 15"):
        machine.wait(1e9)
    assert machine.now - 1000 == pytest.approx(15, abs=0.5)


@pytest.mark.parametrize("share", [0.0, 0.001])
def test_a_process_that_does_nothing_is_given_up(share: float) -> None:
    machine = Machine(share)
    with pytest.raises(TimeoutError, match="Nothing was done for 60 s"):
        machine.wait(3)
    assert machine.now - 1000 == pytest.approx(STALL_SECONDS, abs=0.5)


def test_the_value_is_returned_and_the_last_one_is_in_the_message() -> None:
    looks = itertools.count()
    assert wait_until(lambda: next(looks) or None, sleep=lambda _: None) == 1
    cpu = itertools.count(0, 10)
    with pytest.raises(TimeoutError, match="the last was False"):
        wait_until(lambda: False, seconds=0, cpu_seconds=lambda: next(cpu), sleep=lambda _: None)
