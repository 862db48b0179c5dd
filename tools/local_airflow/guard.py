"""
Run a command that cannot outlive the process that started it:
``python -m tools.local_airflow.guard <lifeline> <grace> <command...>``.

The guard starts one command and ends when the command ends. On SIGTERM, or when its lifeline closes, the guard stops
the command and everything that the command started. The lifeline is the file descriptor of a pipe. The process that
started the guard holds the other end, and the kernel closes that end however the process ends. It would not be enough
to kill a process group, because Airflow puts each task into its own group. So on Linux the guard adopts orphaned
descendants and stops the whole tree.

Each component has its own guard, so many guards run at the same time. To keep them small, this module imports only the
standard library, psutil and one small module of this package.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil  # noqa: F401 - loaded early: .venv may be gone when the guard has to stop its processes

from tools.local_airflow.process_table import descendants

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code, or 143 when the guard was asked to stop it."""
    lifeline, grace_seconds, command = int(arguments[0]), float(arguments[1]), arguments[2:]
    _adopt_orphans()
    wakeup = _wake_on_signals()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_guard)
    stop_requested = _wait(child, lifeline, wakeup)
    _stop_tree(child, grace_seconds if stop_requested else 0.0)
    return 143 if stop_requested else _exit_code(child.returncode)


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _die_with_guard() -> None:
    """Make the kernel kill the command when the guard is killed. This function runs between fork and exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _wake_on_signals() -> int:
    """Turn signals into bytes on a pipe, so that one ``select`` can wait for all events."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reader


def _wait(child: subprocess.Popen[bytes], lifeline: int, wakeup: int) -> bool:
    """Wait until the command has ended or must be stopped; return True when it must be stopped."""
    while child.poll() is None:
        readable, _, _ = select.select([lifeline, wakeup], [], [])
        if lifeline in readable:
            return True
        if any(number != signal.SIGCHLD for number in os.read(wakeup, 512)):
            return True
        _reap_adopted(child.pid)
    return False


def _stop_tree(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """Ask the command to end, wait, then kill the rest of its process tree."""
    deadline = time.monotonic() + grace_seconds
    with suppress(ProcessLookupError):
        child.terminate()
    while _remaining(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    while pids := _remaining(child):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _remaining(child: subprocess.Popen[bytes]) -> list[int]:
    child.poll()
    _reap_adopted(child.pid)
    return descendants(os.getpid())


def _reap_adopted(child: int) -> None:
    """Reap adopted processes that have ended. ``Popen`` reaps the command itself."""
    with suppress(ChildProcessError):
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or ended.si_pid in (0, child):
                return
            os.waitpid(ended.si_pid, 0)


def _exit_code(returncode: int | None) -> int:
    """Return the exit code of the command: 128 + n if signal n killed it, as in a shell."""
    if returncode is None:
        return 1
    return returncode if returncode >= 0 else 128 - returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
