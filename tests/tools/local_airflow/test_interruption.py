"""A signal ends the work once, and does not disturb the cleanup."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tools.local_airflow.interruption import ENDING, Interrupted, interruptible, uninterrupted


def send_to_self(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.05)  # Python runs the handler between two instructions


@pytest.mark.parametrize("number", ENDING)
def test_each_ending_signal_interrupts_the_work(number: signal.Signals) -> None:
    with pytest.raises(Interrupted), interruptible():
        send_to_self(number)


def test_no_handler_of_ordinary_errors_swallows_an_interruption() -> None:
    assert not issubclass(Interrupted, Exception)


def test_the_cleanup_is_not_interrupted() -> None:
    with interruptible():
        with uninterrupted():
            send_to_self(signal.SIGTERM)
        with pytest.raises(Interrupted):
            send_to_self(signal.SIGTERM)


def test_the_handlers_are_restored_afterwards() -> None:
    before = [signal.getsignal(number) for number in ENDING]
    with interruptible(), uninterrupted():
        assert [signal.getsignal(number) for number in ENDING] == [signal.SIG_IGN] * len(ENDING)
    assert [signal.getsignal(number) for number in ENDING] == before
