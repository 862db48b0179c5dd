"""Cache a function's values so that each is computed only once, even when many threads ask at the same time."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def single_flight_cache(function: Callable[[KeyT], ValueT]) -> Callable[[KeyT], ValueT]:
    """
    Return ``function`` with its values cached by argument.

    With ``functools.cache`` alone, every thread that asks before the first value is ready computes it: two hundred
    threads of a task that start together would all parse the same file.
    """
    cached = functools.cache(function)
    computing = threading.Lock()

    @functools.wraps(function)
    def call(key: KeyT) -> ValueT:
        with computing:
            return cached(key)

    return call
