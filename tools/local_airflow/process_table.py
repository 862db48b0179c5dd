"""
What the operating system knows of running processes, as far as stopping them safely needs it.

A pid alone names nothing: it is used again. A process is therefore (pid, start time), and what belongs to
this checkout is recognised by a marker in its environment, which grandchildren inherit whoever their parent
is by now.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MARKER = "DISTILL_LOCAL_STATE"


@dataclass(frozen=True)
class ProcessEntry:
    """One running process; ``started`` is only ever compared for equality."""

    pid: int
    parent: int
    started: str


def running_processes() -> dict[int, ProcessEntry]:
    """List all running processes by pid; zombies are not running."""
    if (PROC / "self" / "stat").exists():
        found = [_read_proc(int(folder.name)) for folder in PROC.iterdir() if folder.name.isdigit()]
        return {entry.pid: entry for entry in found if entry is not None}
    return {entry.pid: entry for entry in _parse_ps(_ask_ps())}


def find_process(pid: int) -> ProcessEntry | None:
    """Describe one process, or return None when it has ended."""
    if (PROC / "self" / "stat").exists():
        return _read_proc(pid)
    return running_processes().get(pid)


def descendants(ancestor: int) -> list[int]:
    """List the pids of all children, grandchildren and so on of a process, parents first."""
    children: dict[int, list[int]] = {}
    for entry in running_processes().values():
        children.setdefault(entry.parent, []).append(entry.pid)
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        born = children.get(waiting.pop(0), [])
        found.extend(born)
        waiting.extend(born)
    return found


def marked_processes(state: Path) -> list[int]:
    """List the processes that were started for this state folder, except this process itself."""
    wanted = f"{MARKER}={state}".encode()
    found = []
    for pid in running_processes():
        with suppress(OSError):
            if pid != os.getpid() and wanted in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def sweep(state: Path, *, timeout_seconds: float = 5.0) -> int:
    """
    Kill what an earlier, violently ended command of this checkout left running; return how many there were.

    Call it only while holding the checkout's lock: then nothing that is found can still be wanted.
    """
    left = marked_processes(state)
    count = len(left)
    deadline = time.monotonic() + timeout_seconds
    while left and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
        left = marked_processes(state)
    return count


def _read_proc(pid: int) -> ProcessEntry | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name before it may hold anything, brackets included
    state, parent, started = fields[0], int(fields[1]), fields[19]
    return None if state in "ZX" else ProcessEntry(pid, parent, started)


def _ask_ps() -> str:
    command = ["ps", "-A", "-o", "pid=,ppid=,stat=,lstart="]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _parse_ps(listing: str) -> list[ProcessEntry]:
    rows = (line.split(maxsplit=3) for line in listing.splitlines() if line.strip())
    return [ProcessEntry(int(pid), int(ppid), when) for pid, ppid, stat, when in rows if stat[0] != "Z"]
