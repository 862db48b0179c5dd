"""Values that are computed when they are first asked for, once, though many threads ask at the same moment."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def single_flight_cache(function: Callable[[KeyT], ValueT]) -> Callable[[KeyT], ValueT]:
    """
    Return ``function`` with its values kept by argument.

    ``functools.cache`` lets every thread that asks before the first value is there compute it: two hundred threads of
    a task that begin together would all parse the same file.
    """
    kept = functools.cache(function)
    computing = threading.Lock()

    @functools.wraps(function)
    def call(key: KeyT) -> ValueT:
        with computing:
            return kept(key)

    return call
