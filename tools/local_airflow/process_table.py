"""
Find and stop the processes of one checkout.

A pid alone does not identify a process, because the system uses pids again. A process is therefore identified by its
pid and its start time. The processes of a checkout carry a marker in their environment, which all their descendants
inherit, even those whose parent has ended.

Imports psutil inside the functions: ``make clean`` imports this module before anything is installed.
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
        if process.status() == psutil.STATUS_ZOMBIE:  # it has ended, and its parent has not collected it yet
            return None
        # The difference does not change when somebody sets the clock; the time of day does.
        return float(round(process.create_time() - psutil.boot_time(), 2))
    except psutil.NoSuchProcess:
        return None


def is_running(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
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
        # Processes end while they are listed, and those of other users do not show their environment.
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARKER) == str(state):
                marked.append(process.pid)
    return marked


def sweep(state: Path, *, timeout_seconds: float = 5.0) -> int:
    """
    Kill what an earlier command of this checkout left running when it was killed; return how many processes it was.

    Call it only while you hold the checkout's lock: then nobody needs these processes any more.
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
