"""Only one command at a time works in a checkout, however the previous command ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow.lock import CheckoutLock, Holder, LockHeldError, read_holder
from tools.local_airflow.process_table import start_time

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
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_second_command_learns_who_holds_the_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(LockHeldError, match=rf"`make run` \(process {holder.pid}\).*2026-01-01.*Nothing was started"):
        CheckoutLock(tmp_path / "lock").acquire("make run", "now")
    recorded = read_holder(tmp_path / "lock")
    assert recorded is not None
    assert recorded.pid == holder.pid, "the attempt did not change the holder's record"


def test_a_killed_holder_leaves_no_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    recorded = read_holder(tmp_path / "lock")
    assert recorded is not None
    assert recorded.is_running()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert not recorded.is_running()
    assert CheckoutLock(tmp_path / "lock").acquire("make run", "now").pid == os.getpid()


def test_a_released_lock_names_no_holder_and_its_file_is_kept(tmp_path: Path) -> None:
    lock = CheckoutLock(tmp_path / "lock")
    lock.acquire("make run", "now")
    inode = (tmp_path / "lock").stat().st_ino
    lock.release()
    lock.release()
    assert read_holder(tmp_path / "lock") is None
    assert (tmp_path / "lock").stat().st_ino == inode
    CheckoutLock(tmp_path / "lock").acquire("make run", "now")


def test_the_holder_can_only_be_announced_under_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not held"):
        CheckoutLock(tmp_path / "lock").announce(Holder("make up", 1, 1.0, "now"))


def test_a_process_that_got_the_pid_of_an_ended_holder_is_not_the_holder() -> None:
    own = start_time(os.getpid())
    assert own is not None
    assert Holder("make up", os.getpid(), own, "now").is_running()
    assert not Holder("make up", os.getpid(), own - 1, "now").is_running()
    assert not Holder("make up", os.getpid(), None, "now").is_running()


def test_a_file_without_a_holder_gives_no_holder(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"pid": 1}'):
        (tmp_path / "lock").write_text(text)
        assert read_holder(tmp_path / "lock") is None
