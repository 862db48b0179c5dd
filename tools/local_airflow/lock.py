"""
One command at a time per checkout: an advisory lock that the kernel releases however its holder ends.

The file's content only informs (who holds it, where its UI is); the lock itself is the ``flock`` on it. The
file is never deleted: a second process could otherwise lock a name that no longer exists.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING

from include.distill.core.errors import DistillError
from tools.local_airflow.process_table import find_process
from tools.local_airflow.settings import Ports

if TYPE_CHECKING:
    from pathlib import Path


class LockHeldError(DistillError):
    """Another command of this checkout is at work; nothing was started."""


@dataclass(frozen=True)
class Holder:
    """The process that holds the lock since (ISO 8601, UTC); its ports are 0 until its stack answers."""

    command: str
    pid: int
    started: str
    since: str
    api_port: int = 0
    stand_in_port: int = 0  # the AWS simulator's; lock files of earlier versions have this name

    @property
    def ports(self) -> Ports | None:
        """The ports of the holder's stack, once that answers."""
        return Ports(self.api_port, self.stand_in_port) if self.api_port else None

    def is_running(self) -> bool:
        """Tell whether that very process still runs: the same pid with the same start time."""
        entry = find_process(self.pid)
        return entry is not None and entry.started == self.started


class CheckoutLock:
    """The lock on a state folder; hold it for as long as any process of the checkout runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self, command: str, since: str) -> Holder:
        """
        Take the lock and write who holds it.

        :param command: what a person typed, e.g. ``make run``.
        :raises LockHeldError: naming the holder and what to do.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise LockHeldError(_describe(read_holder(self._path))) from None
        self._file = handle
        entry = find_process(os.getpid())
        holder = Holder(command, os.getpid(), entry.started if entry else "", since)
        self.announce(holder)
        return holder

    def announce(self, holder: Holder) -> None:
        """Replace what the file says of its holder."""
        self._write(json.dumps(asdict(holder)))

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            self._write("")
            self._file.close()
            self._file = None

    def _write(self, text: str) -> None:
        if self._file is None:
            raise ValueError("the lock is not held: acquire it before announcing who holds it")
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text)
        self._file.flush()


def read_holder(path: Path) -> Holder | None:
    """Read who holds the lock; None when nobody does, or when the holder died without a word."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _describe(holder: Holder | None) -> str:
    if holder is None:
        return "Another command of this checkout has just begun; try again in a moment."
    advice = "Stop it with `make down`." if holder.command == "make up" else "Wait for it, or press Ctrl-C there."
    who = f"`{holder.command}` (process {holder.pid})"
    return f"{who} has been at work in this checkout since {holder.since}. {advice}"
