"""
Find the processes of one checkout, and kill those that are left over.

A pid alone does not identify a process, because the system reuses pids. So a process is identified by its pid and its
start time. The processes of a checkout have a marker in their environment. All their descendants inherit the marker and
keep it after their parent has ended.

psutil is imported inside the functions, because ``make clean`` imports this module before anything is installed.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MARKER = "DISTILL_LOCAL_STATE"


def start_time(pid: int) -> float | None:
    """Return when a process started, in seconds since the machine booted; None when the process has ended."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:  # the process has ended, but its parent has not reaped it yet
            return None
        # Unlike the time of day, this difference does not change when the clock is set.
        return float(round(process.create_time() - psutil.boot_time(), 2))
    except psutil.NoSuchProcess:
        return None


def is_running(pid: int) -> bool:
    """Return whether a process is running. A zombie counts as ended."""
    return start_time(pid) is not None


def descendants(ancestor: int) -> list[int]:
    """List the pids of all children, grandchildren and so on of a process; zombies are left out."""
    import psutil

    try:
        children = psutil.Process(ancestor).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [child.pid for child in children if is_running(child.pid)]


def marked_processes(state: Path) -> list[int]:
    """List the processes that were started for this state folder, except this process itself."""
    import psutil

    marked = []
    for process in psutil.process_iter():
        # Processes may end while they are listed, and the environment of other users' processes cannot be read.
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARKER) == str(state):
                marked.append(process.pid)
    return marked


def sweep(state: Path, *, timeout_seconds: float = 5.0) -> int:
    """
    Kill the processes that a killed command of this checkout left running; return their number.

    Call this function only while you hold the checkout's lock. Without the lock, another command may still need these
    processes.
    """
    import psutil

    remaining = marked_processes(state)
    count = len(remaining)
    deadline = time.monotonic() + timeout_seconds
    while remaining and time.monotonic() < deadline:
        for pid in remaining:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        time.sleep(0.05)
        remaining = marked_processes(state)
    return count
