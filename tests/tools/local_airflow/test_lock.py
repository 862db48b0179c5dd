"""One command at a time per checkout, however the one before has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.local_airflow.lock import CheckoutLock, Holder, LockHeldError, read_holder
from tools.local_airflow.process_table import find_process
from tools.local_airflow.settings import PROJECT

HOLD = """
import sys, time
from pathlib import Path
from tools.local_airflow.lock import CheckoutLock
lock = CheckoutLock(Path(sys.argv[1]))
lock.acquire("make run", "2026-01-01T00:00:00+00:00")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_second_command_is_told_who_holds_the_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(LockHeldError, match=rf"`make run` \(process {holder.pid}\).*2026-01-01"):
        CheckoutLock(tmp_path / "lock").acquire("make run", "now")


def test_a_killed_holder_leaves_no_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    recorded = read_holder(tmp_path / "lock")
    assert recorded is not None
    assert recorded.is_running()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert not recorded.is_running()
    assert CheckoutLock(tmp_path / "lock").acquire("make run", "now").pid == os.getpid()


def test_a_released_lock_names_nobody(tmp_path: Path) -> None:
    lock = CheckoutLock(tmp_path / "lock")
    lock.acquire("make run", "now")
    lock.release()
    lock.release()
    assert read_holder(tmp_path / "lock") is None
    CheckoutLock(tmp_path / "lock").acquire("make run", "now")


def test_a_pid_that_is_in_use_again_is_not_the_holder() -> None:
    own = find_process(os.getpid())
    assert own is not None
    assert Holder("make up", own.pid, own.started, "now").is_running()
    assert not Holder("make up", own.pid, "an earlier start", "now").is_running()


def test_a_file_that_says_nothing_useful_names_nobody(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"pid": 1}'):
        (tmp_path / "lock").write_text(text)
        assert read_holder(tmp_path / "lock") is None
