"""
Let one command at a time work in a checkout.

The lock is an advisory lock on a file, which the kernel releases however its holder ends. The content of the file only
says who holds the lock and where its UI is. The file is never deleted, because a second process could otherwise lock a
file that no longer has a name.

Imports filelock inside a function: ``make clean`` imports this module before anything is installed.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from include.distill.core.errors import DistillError
from tools.local_airflow.process_table import start_time
from tools.local_airflow.settings import Ports

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import FileLock


class LockHeldError(DistillError):
    """Another command is working in this checkout; nothing was started."""


@dataclass(frozen=True)
class Holder:
    """
    The process that holds the lock.

    :param started: seconds from the boot of the machine to the start of the process.
    :param since: when it took the lock (ISO 8601, UTC).
    :param api_port: 0 until its stack answers, like the simulator's.
    """

    command: str
    pid: int
    started: float | None
    since: str
    api_port: int = 0
    stand_in_port: int = 0  # the AWS simulator's; lock files of earlier versions have this name

    @property
    def ports(self) -> Ports | None:
        """The ports of the holder's stack; None until the stack answers."""
        return Ports(self.api_port, self.stand_in_port) if self.api_port else None

    def is_running(self) -> bool:
        """Tell whether this very process still runs: the same pid with the same start time."""
        return self.started is not None and start_time(self.pid) == self.started


class CheckoutLock:
    """The lock on a state folder. Hold it as long as any process of the checkout runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: FileLock | None = None

    def acquire(self, command: str, since: str) -> Holder:
        """
        Take the lock and write down who holds it.

        :param command: what a person typed, e.g. ``make run``.
        :raises LockHeldError: naming the holder and what to do.
        """
        from filelock import FileLock, Timeout

        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._path, blocking=False, preserve_lock_file=True)
        try:
            lock.acquire()
        except Timeout:
            raise LockHeldError(_describe(read_holder(self._path))) from None
        self._lock = lock
        holder = Holder(command, os.getpid(), start_time(os.getpid()), since)
        self.announce(holder)
        return holder

    def announce(self, holder: Holder) -> None:
        """Replace what the file says about its holder."""
        if self._lock is None:
            raise ValueError("The lock is not held: acquire it before you announce who holds it.")
        self._path.write_text(json.dumps(asdict(holder)), encoding="utf-8")

    def release(self) -> None:
        """Release the lock; does nothing when it is not held."""
        if self._lock is not None:
            self._path.write_text("", encoding="utf-8")
            self._lock.release()
            self._lock = None


def read_holder(path: Path) -> Holder | None:
    """Read who holds the lock; None when nobody does, or when the file does not say it."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _describe(holder: Holder | None) -> str:
    if holder is None:
        return "Another command has just started in this checkout. Nothing was started; try again in a moment."
    advice = "Stop it with `make down`." if holder.command == "make up" else "Wait for it, or press Ctrl-C there."
    who = f"`{holder.command}` (process {holder.pid})"
    return f"{who} has been working in this checkout since {holder.since}. Nothing was started. {advice}"
