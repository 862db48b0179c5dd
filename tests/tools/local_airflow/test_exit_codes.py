from __future__ import annotations

import os
import signal
import time

import pytest

from include.distill.core.errors import DistillError, InputError
from tools.local_airflow.exit_codes import ALL_STOPPED, exit_code_of
from tools.local_airflow.lock import LockHeldError


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("a wrong value"), 2, "a wrong value\n"),
        (LockHeldError("another command is running"), 2, "another command is running\n"),
        (DistillError("the disk is full"), 1, f"\nFailed: the disk is full\n{ALL_STOPPED}\n"),
    ],
)
def test_an_error_is_printed_and_has_an_exit_code(
    error: Exception, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> int:
        raise error

    assert exit_code_of(work) == code
    assert capsys.readouterr().err == message


def test_a_signal_ends_the_work_and_the_message_says_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        return 0

    assert exit_code_of(work, lambda: "Airflow is still running.") == 130
    assert capsys.readouterr().err == "\nInterrupted. Airflow is still running.\n"


@pytest.mark.parametrize("code", [0, 1])
def test_without_an_error_the_work_chooses_the_exit_code(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(lambda: code) == code
    assert capsys.readouterr().err == ""
