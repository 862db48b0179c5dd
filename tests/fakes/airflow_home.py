"""
Give a test process an Airflow home of its own, and remove the homes of processes that have ended.

The process locks a file in its home. The kernel releases the lock however the process ends. So if another process can
lock the file, the owner of the home has ended.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import IO

PREFIX = "bedrock-distill-airflow-"
LOCK = "owner"


class AirflowHome:
    """A temporary folder that is removed by :meth:`remove`, or else by the next process that calls :func:`sweep`."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        draft = self.path / f"{LOCK}.draft"
        self._lock = draft.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        draft.rename(self.path / LOCK)  # only now, so that no other process finds the file unlocked

    def remove(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def sweep() -> list[Path]:
    """Remove the homes of processes that have ended, and return their paths."""
    left_behind = [path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}") if _is_free(path)]
    for path in left_behind:
        shutil.rmtree(path.parent, ignore_errors=True)
    return [path.parent for path in left_behind]


def _is_free(path: Path) -> bool:
    try:
        with path.open() as file:
            return _can_lock(file)
    except OSError:  # removed in the meantime, or owned by another user
        return False


def _can_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
