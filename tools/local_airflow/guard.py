"""
``python -m tools.local_airflow.guard <lifeline fd> <grace seconds> <command...>``: a process that cannot
be orphaned.

The guard starts one command and ends with it. When its lifeline closes (whoever holds the other end has
ended, in whatever way, SIGKILL included) or on SIGTERM it stops the command and everything the command
started. Airflow puts its tasks into process groups of their own, so a group is not enough: on Linux the
guard adopts orphaned descendants and stops the whole tree. Standard library only, since one guard runs per
component.
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

from tools.local_airflow.process_table import descendants

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main(arguments: list[str]) -> int:
    """Run the command under guard and return its exit code, or 143 when it was told to stop."""
    lifeline, grace_seconds, command = int(arguments[0]), float(arguments[1]), arguments[2:]
    _adopt_orphans()
    wakeup = _wake_on_signals()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_guard)
    told_to_stop = _wait(child, lifeline, wakeup)
    _stop_tree(child, grace_seconds if told_to_stop else 0.0)
    return 143 if told_to_stop else _exit_code(child.returncode)


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _die_with_guard() -> None:
    """Run between fork and exec: even a guard that is killed takes its command along."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _wake_on_signals() -> int:
    """Turn signals into readable bytes, so that one ``select`` waits for all events."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reader


def _wait(child: subprocess.Popen[bytes], lifeline: int, wakeup: int) -> bool:
    """Wait until the command ended (False) or has to be stopped (True)."""
    while child.poll() is None:
        readable, _, _ = select.select([lifeline, wakeup], [], [])
        if lifeline in readable:
            return True
        if any(number != signal.SIGCHLD for number in os.read(wakeup, 512)):
            return True
        _bury_the_adopted(child.pid)
    return False


def _stop_tree(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """Ask the command to end, wait, then kill whatever of its tree is left."""
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
    _bury_the_adopted(child.pid)
    return descendants(os.getpid())


def _bury_the_adopted(child: int) -> None:
    """Collect ended processes that were adopted; the command itself is collected by its ``Popen``."""
    with suppress(ChildProcessError):
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or ended.si_pid in (0, child):
                return
            os.waitpid(ended.si_pid, 0)


def _exit_code(returncode: int | None) -> int:
    """Translate "killed by signal n" into the shell's 128 + n."""
    if returncode is None:
        return 1
    return returncode if returncode >= 0 else 128 - returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
