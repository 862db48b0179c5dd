"""The simulator's process never outlives the test that started it, and its failures are not waited for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.fakes import simulator_process as module
from tests.fakes.simulator_process import ProcessEndedError, exit_code, simulator_process, wait_for


@contextmanager
def python(code: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_simulator_is_stopped_although_its_test_fails_before_the_simulator_is_ready(tmp_path: Path) -> None:
    started = []

    def fail() -> None:
        with simulator_process(["--state", str(tmp_path)]) as process:
            started.append(process.pid)
            raise AssertionError("not ready")

    with pytest.raises(AssertionError, match="not ready"):
        fail()
    assert not psutil.pid_exists(started[0])


def test_a_simulator_is_stopped_although_the_tests_are_killed(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "from tests.fakes.simulator_process import simulator_process\n"
        f"with simulator_process(['--state', {str(tmp_path)!r}]) as process:\n"
        "    print(process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    tests = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert tests.returncode == -9
    with pytest.raises(psutil.NoSuchProcess):
        psutil.Process(int(tests.stdout)).wait(timeout=60) or psutil.Process(int(tests.stdout)).cpu_times()


def test_a_process_that_ends_before_it_is_ready_is_not_waited_for() -> None:
    with python("raise SystemExit(3)") as process, pytest.raises(ProcessEndedError, match="exit code 3"):
        wait_for(process, lambda: False)


def test_a_process_that_works_without_getting_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_CPU_SECONDS", 0.1)
    with python("while True: pass") as process, pytest.raises(TimeoutError, match="of CPU time"):
        wait_for(process, lambda: False)


def test_the_exit_code_of_a_process_that_ends_is_returned() -> None:
    with python("import time; time.sleep(0.2); raise SystemExit(4)") as process:
        assert exit_code(process) == 4
