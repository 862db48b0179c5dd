"""Cache a function's results, and compute each result only once, even if many threads call the function at once."""

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

    With ``functools.cache`` alone, every thread that calls the function before the first result is ready computes the
    result again. For example, two hundred threads that start together would all parse the same file.
    """
    cached = functools.cache(function)
    computing = threading.Lock()

    @functools.wraps(function)
    def call(key: KeyT) -> ValueT:
        with computing:
            return cached(key)

    return call
