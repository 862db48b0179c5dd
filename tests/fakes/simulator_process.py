"""Run ``python -m tools.aws_simulator`` in a process of its own, which never outlives the test."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from include.distill.core.paths import PROJECT_ROOT
from tests.fakes.patience import wait_until

START_CPU_SECONDS = 60.0  # a start needs about 3 s
END_CPU_SECONDS = 10.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class ProcessEndedError(AssertionError):
    """Raised if the process ended before the awaited event."""


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return the CPU time that a process has used; infinity once it has ended."""
    try:
        times = psutil.Process(process.pid).cpu_times()
    except psutil.NoSuchProcess:
        return float("inf")
    return float(times.user + times.system)


def wait_for(process: subprocess.Popen[bytes], read: Callable[[], Any]) -> Any:
    """Wait for something that a process does at its start.

    :raises ProcessEndedError: the process ended first.
    :raises TimeoutError: the process has used much CPU time without doing this, or does no work.
    """

    def read_while_running() -> Any:
        if (value := read()) or process.poll() is None:
            return value
        raise ProcessEndedError(f"The process ended with exit code {process.returncode}.")

    return wait_until(read_while_running, cpu_budget=START_CPU_SECONDS, cpu_seconds=lambda: cpu_seconds(process))


def exit_code(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process that was asked to end, and return its exit code.

    :raises TimeoutError: the process goes on working, or waits for something else.
    """
    wait_until(lambda: process.poll() is not None, cpu_budget=END_CPU_SECONDS, cpu_seconds=lambda: cpu_seconds(process))
    return int(process.returncode)


@contextmanager
def simulator_process(arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the AWS simulator's command until the block ends. The process is killed however the block ends."""
    command = [sys.executable, "-m", "tools.aws_simulator", *arguments]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, preexec_fn=_die_with_the_tests)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def port_in(port_file: Path) -> str:
    """Return the port that a simulator has written to its port file; an empty text if it has not written one."""
    return port_file.read_text() if port_file.exists() else ""


def _die_with_the_tests() -> None:
    """Let the kernel kill the process if the tests are killed. Runs between fork and exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
