"""The shares run at the same time, and end with the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tools.simulate.processes import cores, run_all

# Each of these waits until the other one has started.
MEET = """
import pathlib, sys, time
own, other = map(pathlib.Path, sys.argv[1:3])
own.touch()
while not other.exists():
    time.sleep(0.01)
sys.exit(int(sys.argv[3]))
"""
SLEEP = """
import pathlib, sys, tempfile, time
pathlib.Path(sys.argv[1]).write_text(tempfile.mkdtemp())
time.sleep(60)
"""


def test_all_run_at_the_same_time(tmp_path: Path) -> None:
    one, other = str(tmp_path / "1"), str(tmp_path / "2")
    commands = [[sys.executable, "-c", MEET, one, other, "0"], [sys.executable, "-c", MEET, other, one, "3"]]
    assert run_all(commands) == [0, 3]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_and_removes_their_files(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def recorded(*arguments: object, **named: object) -> subprocess.Popen[bytes]:
        started.append(start(*arguments, **named))  # type: ignore[call-overload]
        return started[-1]

    note = tmp_path / "note"

    def interrupt() -> None:
        until = time.monotonic() + 30
        while not (note.exists() and note.read_text()) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    monkeypatch.setattr(subprocess, "Popen", recorded)
    before = signal.getsignal(signal.SIGTERM)
    of_pytest = signal.signal(signal.SIGINT, signal.default_int_handler)  # a worker of pytest-xdist may ignore it
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run_all([[sys.executable, "-c", SLEEP, str(note)]])
    finally:
        signal.signal(signal.SIGINT, of_pytest)
    thread.join()
    assert [one.returncode for one in started] == [-signal.SIGKILL]
    assert Path(note.read_text()).parent.parent == Path(tempfile.gettempdir())
    assert not Path(note.read_text()).exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_this_process_may_use_a_core() -> None:
    assert cores() >= 1
