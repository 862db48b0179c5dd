"""Count which caller asked for which action on which resource, and whether it was allowed."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TypedDict


class AccessEntry(TypedDict):
    """The requests of one caller for one action on one resource that had the same outcome."""

    caller: str
    action: str
    resource: str
    allowed: bool
    count: int


class AccessLog:
    """The decisions since the start or since :meth:`clear`. They are kept in memory only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, str, bool]] = Counter()

    def add(self, caller: str, action: str, resource: str, *, allowed: bool) -> None:
        """Count one decision."""
        with self._lock:
            self._counts[caller, action, resource, allowed] += 1

    def entries(self) -> list[AccessEntry]:
        """Return the decisions in alphabetical order."""
        with self._lock:
            counts = sorted(self._counts.items())
        return [
            AccessEntry(caller=caller, action=action, resource=resource, allowed=allowed, count=count)
            for (caller, action, resource, allowed), count in counts
        ]

    def clear(self) -> None:
        """Forget all decisions."""
        with self._lock:
            self._counts.clear()
