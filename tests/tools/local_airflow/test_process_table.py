"""Processes are identified by pid and start time, and belong to the checkout whose marker they carry."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tools.local_airflow.process_table import MARKER, descendants, is_running, marked_processes, start_time, sweep
from tools.local_airflow.processes import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
PARENT = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); print('started', flush=True); time.sleep(60)"


@contextmanager
def running(command: list[str], marker: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, **({MARKER: str(marker)} if marker else {})}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[str]]:
    with running(SLEEP) as process:
        yield process


def test_the_start_time_stays_the_same_while_a_process_runs(sleeper: subprocess.Popen[str]) -> None:
    first = start_time(sleeper.pid)
    assert first is not None
    assert start_time(sleeper.pid) == first
    own = start_time(os.getpid())
    assert own is not None
    assert own <= first


def test_a_killed_process_does_not_run_even_before_its_parent_collects_it(sleeper: subprocess.Popen[str]) -> None:
    assert is_running(sleeper.pid)
    sleeper.kill()
    wait_until(lambda: not is_running(sleeper.pid), "the end of the process", 5)
    assert start_time(sleeper.pid) is None  # a zombie: wait() comes later
    sleeper.wait()
    assert start_time(sleeper.pid) is None


def test_grandchildren_are_descendants_until_they_end() -> None:
    with running([sys.executable, "-c", PARENT, *SLEEP]) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        (grandchild,) = descendants(parent.pid)
        assert {parent.pid, grandchild} <= set(descendants(os.getpid()))
        os.kill(grandchild, 9)
        wait_until(lambda: descendants(parent.pid) == [], "the end of the grandchild", 5)


def test_a_process_that_has_ended_has_no_descendants(sleeper: subprocess.Popen[str]) -> None:
    sleeper.kill()
    sleeper.wait()
    assert descendants(sleeper.pid) == []


def test_only_the_processes_with_the_marker_of_the_checkout_are_killed(tmp_path: Path) -> None:
    with ExitStack() as stack:
        ours = [stack.enter_context(running(SLEEP, tmp_path)) for _ in range(2)]
        other = stack.enter_context(running(SLEEP, Path(f"{tmp_path}-other")))
        unmarked = stack.enter_context(running(SLEEP))
        wait_until(lambda: len(marked_processes(tmp_path)) == 2, "both processes", 5)
        assert set(marked_processes(tmp_path)) == {process.pid for process in ours}
        assert sweep(tmp_path) == 2
        assert [process.wait(5) for process in ours] == [-9, -9]
        assert (other.poll(), unmarked.poll()) == (None, None)
        assert sweep(tmp_path) == 0
