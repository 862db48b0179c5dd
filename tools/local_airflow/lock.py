"""
Lock a checkout, so that only one command at a time works in it.

The lock is an advisory lock on a file. The kernel releases the lock however its holder ends. The content of the file
only names the holder and the ports of its stack. The file is never deleted. If it were, one process could hold a lock
on the deleted file while another process locks a new file.

filelock is imported inside a function, because ``make clean`` imports this module before anything is installed.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.distill.core.errors import DistillError
from tools.local_airflow.ports import Ports
from tools.local_airflow.process_table import start_time

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import FileLock


BRIEF_COMMANDS = ("make down", "make clean")
# For other commands, the message says "Nothing was started."
NOT_DONE = {"make down": "stopped", "make clean": "removed"}


class LockHeldError(DistillError):
    """Another command is working in this checkout, so nothing was started."""


@dataclass(frozen=True)
class Holder:
    """
    The process that holds the lock.

    :param started: when the process started, in seconds after the machine booted.
    :param since: when the process took the lock (ISO 8601, UTC).
    :param api_port: port of the api-server. This port and the simulator's port are 0 until the stack answers.
    :param input_roots: folders outside the project from which the stack's runs may read CSV files.
    :param as_of: the day of the stack's simulated account (ISO 8601); empty for today.
    """

    command: str
    pid: int
    started: float | None
    since: str
    api_port: int = 0
    stand_in_port: int = 0  # port of the AWS simulator, under the name that lock files of earlier versions use
    input_roots: list[str] = field(default_factory=list)
    as_of: str = ""

    @property
    def ports(self) -> Ports | None:
        """The ports of the stack that the holder runs; None until this stack answers."""
        return Ports(self.api_port, self.stand_in_port) if self.api_port else None

    def is_running(self) -> bool:
        """Return whether the holder still runs: a process with its pid and its start time must exist."""
        return self.started is not None and start_time(self.pid) == self.started


class CheckoutLock:
    """The lock on a state folder. Hold it as long as any process of the checkout is running."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: FileLock | None = None

    def acquire(self, command: str) -> Holder:
        """
        Take the lock and write its holder to the file.

        :param command: the command that the person typed, e.g. ``make run``.
        :raises LockHeldError: another process holds the lock. The message names that process and says what to do.
        """
        from filelock import FileLock, Timeout

        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(self._path, blocking=False, preserve_lock_file=True)
        try:
            lock.acquire()
        except Timeout:
            done = NOT_DONE.get(command, "started")
            raise LockHeldError(_describe(read_holder(self._path), done)) from None
        self._lock = lock
        since = datetime.now(UTC).isoformat(timespec="seconds")
        holder = Holder(command, os.getpid(), start_time(os.getpid()), since)
        self.announce(holder)
        return holder

    def announce(self, holder: Holder) -> None:
        """Write new details of the holder to the lock file."""
        if self._lock is None:
            raise ValueError("The lock is not held. Call acquire before announce.")
        self._path.write_text(json.dumps(asdict(holder)), encoding="utf-8")

    def release(self) -> None:
        """Release the lock. Do nothing when the lock is not held."""
        if self._lock is not None:
            self._path.write_text("", encoding="utf-8")
            self._lock.release()
            self._lock = None


def read_holder(path: Path) -> Holder | None:
    """Read the holder of the lock; None when the lock is free or the file does not name its holder."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def who_and_since(holder: Holder) -> str:
    """Name the command that holds the lock, its process, and the time when it took the lock."""
    try:
        since = f"{datetime.fromisoformat(holder.since).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:  # a lock file of an earlier version may contain a word instead of a time
        return f"`{holder.command}` (process {holder.pid}) is working in this checkout"
    return f"`{holder.command}` (process {holder.pid}) has been working in this checkout since {since}"


def _describe(holder: Holder | None, done: str) -> str:
    if holder is None:
        return f"Another command has just taken the lock of this checkout. Nothing was {done}. Try again in a moment."
    if holder.command == "make up":
        is_starting = "It is still starting. Wait until it is ready, or stop" if not holder.api_port else "Stop"
        advice = f"{is_starting} it with `make down`."
    elif holder.command in BRIEF_COMMANDS:
        advice = "It takes only seconds. Try again in a moment."
    else:
        advice = "Wait until it ends, or press Ctrl-C in its terminal."
    return f"{who_and_since(holder)}. Nothing was {done}. {advice}"
