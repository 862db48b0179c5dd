"""Only one command at a time works in a checkout, however the previous command ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow.lock import CheckoutLock, Holder, LockHeldError, read_holder, who_and_since
from tools.local_airflow.process_table import start_time

HOLD = """
import sys, time
from pathlib import Path
from tools.local_airflow.lock import CheckoutLock
lock = CheckoutLock(Path(sys.argv[1]))
lock.acquire(sys.argv[2])
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock"), "make run"]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_second_command_learns_who_holds_the_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    since = r"since 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Nothing was started"
    with pytest.raises(LockHeldError, match=rf"`make run` \(process {holder.pid}\) has been working .* {since}"):
        CheckoutLock(tmp_path / "lock").acquire("make run")
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
    assert CheckoutLock(tmp_path / "lock").acquire("make run").pid == os.getpid()


def test_a_released_lock_names_no_holder_and_its_file_is_kept(tmp_path: Path) -> None:
    lock = CheckoutLock(tmp_path / "lock")
    lock.acquire("make run")
    inode = (tmp_path / "lock").stat().st_ino
    lock.release()
    lock.release()
    assert read_holder(tmp_path / "lock") is None
    assert (tmp_path / "lock").stat().st_ino == inode
    CheckoutLock(tmp_path / "lock").acquire("make run")


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


@pytest.mark.parametrize(
    ("command", "api_port", "advice"),
    [
        pytest.param("make up", 8080, "Stop it with `make down`.", id="up"),
        pytest.param("make up", 0, "It is still starting. Wait until it is ready, or stop it with `make down`."),
        pytest.param("make run", 0, "Wait until it ends, or press Ctrl-C in its terminal.", id="run"),
        pytest.param("make clean", 0, "It takes only seconds. Try again in a moment.", id="clean"),
        pytest.param("make down", 0, "It takes only seconds. Try again in a moment.", id="down"),
    ],
)
def test_the_advice_fits_the_command_that_holds_the_lock(
    tmp_path: Path, command: str, api_port: int, advice: str
) -> None:
    held = CheckoutLock(tmp_path / "lock")
    holder = held.acquire(command)
    held.announce(replace(holder, api_port=api_port))
    with pytest.raises(LockHeldError) as refused:
        CheckoutLock(tmp_path / "lock").acquire("make run")
    assert str(refused.value).endswith(f"UTC. Nothing was started. {advice}")
    held.release()


def test_a_time_that_an_earlier_version_did_not_record_is_left_out() -> None:
    holder = Holder("make clean", 7, 1.0, "now")
    assert who_and_since(holder) == "`make clean` (process 7) is working in this checkout"
