"""
Replace the time of the process with a clock that moves only when the simulation moves it.

``time.sleep`` moves the clock and returns at once. An event loop of the class :class:`VirtualLoop` does the same when
it has nothing to do before its next timer. It runs the work of threads at once in its own thread, so a simulation has
one thread and always takes the same course.
"""

from __future__ import annotations

import asyncio
import datetime
import importlib
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, Protocol
from unittest.mock import patch

from botocore import endpoint

START = datetime.datetime(2026, 11, 25, 2, tzinfo=datetime.UTC).timestamp()
_REAL = datetime.datetime


class Events(Protocol):
    """What happens by itself as time passes."""

    def next_due(self) -> float | None:
        """Return when the next event happens; ``None`` if nothing will happen."""

    def run_due(self) -> None:
        """Run the events that are due now."""


class VirtualClock:
    """
    A clock that starts at a fixed time. ``now`` is in POSIX seconds.

    :ivar guard: surrounds what happens while the clock moves.
    """

    def __init__(self, events: Events | None = None) -> None:
        self.now = START
        self.events = events
        self.guard: Callable[[], AbstractContextManager[None]] = nullcontext

    def time(self) -> float:
        """Return the current time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move the clock. The events of this time happen in their order, each at its own time."""
        end = self.now + max(0.0, seconds)
        with self.guard():
            while self.events and (due := self.events.next_due()) is not None and due <= end:
                self.now = max(self.now, due)
                self.events.run_due()
        self.now = end


class _Datetime(type):
    """Let ``isinstance`` treat every real date as an instance of the replaced class."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _REAL)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _REAL)


def _datetime_class(clock: VirtualClock) -> type[datetime.datetime]:
    class VirtualDatetime(_REAL, metaclass=_Datetime):
        __slots__ = ()  # C extensions check the size of the class when they are imported

        def __new__(cls, *parts: Any, **named: Any) -> Any:
            # Airflow stores the name of a date's class, and reads only the real one.
            return _REAL(*parts, **named)

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return _REAL.fromtimestamp(clock.now, tz)

    return VirtualDatetime


@contextmanager
def virtual_time(clock: VirtualClock) -> Iterator[None]:
    """Let the process see the time of ``clock`` inside the block.

    A module that has imported the class ``datetime`` by its name still sees the real time. The pipeline and the AWS
    simulator import only the module.
    """
    # pandas reads the layout of the real class when it is imported, and crashes with any other class.
    importlib.import_module("pandas")
    with (
        patch.object(time, "time", clock.time),
        patch.object(time, "sleep", clock.sleep),
        patch.object(datetime, "datetime", _datetime_class(clock)),
        # botocore's pause before it repeats a request takes no time. It would only change time stamps, and schedules
        # could not share the rest of their processes.
        patch.object(endpoint, "time", SimpleNamespace(sleep=lambda _: None)),
    ):
        yield


class _IdleSelector(selectors.SelectSelector):
    """A selector that moves the clock in place of waiting."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("The event loop waits for something that will never happen.")
        if timeout > 0:
            self._clock.sleep(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """
    An event loop with the time of a virtual clock.

    :ivar thread_seconds: how long the loop waits for the work of a thread.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._virtual_clock = clock
        self.thread_seconds = 0.0
        super().__init__(_IdleSelector(clock))
        # The rounding of today's POSIX time is far above asyncio's own limit, so a timer could be missed by a hair.
        self._clock_resolution = 0.001

    def time(self) -> float:
        """Return the virtual time."""
        return self._virtual_clock.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """Run the work of a thread at once. Its result comes later if threads take time."""
        done = self.create_future()
        try:
            result = func(*args)
        except BaseException as error:
            done.set_exception(error)
            return done
        if self.thread_seconds:
            self.call_later(self.thread_seconds, _set_result, done, result)
        else:
            done.set_result(result)
        return done


def _set_result(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():  # nobody waits for it any more
        future.set_result(result)
