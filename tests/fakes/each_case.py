"""
Check many small cases in one test, and name every case that fails.

A parametrized test costs some milliseconds of pytest's own work for each case, in each of its processes. Where a check
takes microseconds and there are hundreds of cases, this work takes nearly all of the time.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

Case = Callable[..., AbstractContextManager[None]]


@contextmanager
def each_case() -> Iterator[Case]:
    """
    Yield a function that makes the block of one case. The values that it is given name the case.

    A case that fails does not stop the cases after it. When all cases have been checked, the test fails if one of them
    failed, and if there was no case at all.
    """
    failures: list[str] = []
    checked = 0

    @contextmanager
    def case(*values: object) -> Iterator[None]:
        nonlocal checked
        checked += 1
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:
            failures.append(f"[{', '.join(map(_name, values))}] {_place(error)}: {type(error).__name__}: {error}")

    yield case
    assert checked, "there is no case to check"
    assert not failures, f"{len(failures)} of {checked} cases failed:\n" + "\n".join(failures)


def _name(value: object) -> str:
    return value.__name__ if isinstance(value, type) else ascii(value)


def _place(error: BaseException) -> str:
    """Return the line of the test that failed, which is the frame below that of :func:`each_case`."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = frames[min(1, len(frames) - 1)]
    return f"line {frame.lineno}"
