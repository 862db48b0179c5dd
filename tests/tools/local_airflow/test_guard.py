"""No process outlives the command that started it, whichever process is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow.process_table import is_running, marked_processes, sweep
from tools.local_airflow.processes import Component, ComponentDiedError, ProcessGroup, wait_until
from tools.local_airflow.settings import Layout

# A component like Airflow's scheduler: it ignores SIGTERM, and its children have their own process group and session.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
children = [subprocess.Popen(sleeper, process_group=0), subprocess.Popen(sleeper, start_new_session=True)]
with open(sys.argv[1] + ".draft", "w") as file:
    file.write(" ".join(str(pid) for pid in [os.getpid(), *(child.pid for child in children)]))
os.rename(sys.argv[1] + ".draft", sys.argv[1])
time.sleep(60)
"""

RUNNER = """
import sys, time
from pathlib import Path
from tools.local_airflow.processes import Component, ProcessGroup
from tools.local_airflow.settings import Layout
state = Path(sys.argv[1])
group = ProcessGroup(Layout(state=state), {"DISTILL_LOCAL_STATE": str(state), "PYTHONPATH": "."})
group.start(Component("stubborn", [sys.executable, "-c", sys.argv[2], str(state / "pids")], 0.3))
time.sleep(60)
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    sweep(tmp_path)


def environment(state: Path) -> dict[str, str]:
    return {"DISTILL_LOCAL_STATE": str(state), "PYTHONPATH": str(PROJECT_ROOT)}


def start_stubborn(group: ProcessGroup, state: Path, *, grace_seconds: float) -> list[int]:
    group.start(Component("stubborn", [sys.executable, "-c", STUBBORN, str(state / "pids")], grace_seconds))
    return read_pids(state)


def read_pids(state: Path) -> list[int]:
    wait_until((state / "pids").exists, "the component", 10)
    return [int(pid) for pid in (state / "pids").read_text().split()]


def all_gone(pids: list[int]) -> Callable[[], bool]:
    return lambda: not any(is_running(pid) for pid in pids)


def test_the_whole_tree_is_killed_after_its_grace_period(state: Path) -> None:
    group = ProcessGroup(Layout(state=state), environment(state))
    pids = start_stubborn(group, state, grace_seconds=0.3)
    began = time.monotonic()
    group.stop()
    assert time.monotonic() - began >= 0.3
    assert all_gone(pids)()
    group.close()


def test_when_a_command_is_killed_all_its_processes_end(state: Path) -> None:
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(state), STUBBORN], cwd=PROJECT_ROOT)
    pids = read_pids(state)
    runner.kill()
    runner.wait()
    wait_until(all_gone(pids), "the end of all processes", 5)
    wait_until(lambda: not marked_processes(state), "the end of the guards", 5)


def test_a_component_that_dies_is_named_and_its_children_are_stopped(state: Path) -> None:
    group = ProcessGroup(Layout(state=state), environment(state))
    pids = start_stubborn(group, state, grace_seconds=5)
    group.check()
    os.kill(pids[0], signal.SIGKILL)
    wait_until(all_gone(pids), "the end of its children", 5)

    with pytest.raises(ComponentDiedError, match=r"stubborn ended on its own \(exit code 137\)"):
        wait_until(lambda: False, "the error", 5, check=group.check)
    group.close()


def test_processes_that_lost_their_guard_are_swept_by_their_marker(state: Path) -> None:
    group = ProcessGroup(Layout(state=state), environment(state))
    pids = start_stubborn(group, state, grace_seconds=5)
    guards = [pid for pid in marked_processes(state) if pid not in pids]
    for guard in guards:
        os.kill(guard, signal.SIGKILL)
    wait_until(all_gone(pids[:1]), "the end of the component itself", 5)
    assert sweep(state) == 2
    assert all_gone(pids)()
    group.close()
