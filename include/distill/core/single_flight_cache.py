"""Cache a function's results so that each is computed only once, even when many threads call it at the same time."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def single_flight_cache(function: Callable[[KeyT], ValueT]) -> Callable[[KeyT], ValueT]:
    """
    Return ``function`` with its results cached by argument.

    With ``functools.cache`` alone, every thread that calls before the first result is ready computes the result again:
    two hundred threads that start together would all parse the same file.
    """
    cached = functools.cache(function)
    computing = threading.Lock()

    @functools.wraps(function)
    def call(key: KeyT) -> ValueT:
        with computing:
            return cached(key)

    return call
