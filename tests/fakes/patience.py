"""
Wait for an event with a limit that does not depend on how busy the machine is.

A limit in seconds fails on a busy machine, where everything takes longer. So the limit is the work that was done: the
CPU time of the process that has to bring about the event. A process that does no work for ``STALL_SECONDS`` is stuck.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

STALL_SECONDS = 60.0
STALL_CPU_SECONDS = 0.3  # an idle server uses less in STALL_SECONDS, and a process on a busy machine uses more


def wait_until(
    read: Callable[[], Any],
    *,
    cpu_budget: float = 15.0,
    cpu_seconds: Callable[[], float] = time.process_time,
    seconds: float = 10.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """
    Call ``read`` until it returns a true value, and return that value.

    :param cpu_budget: CPU time in which the event must happen.
    :param cpu_seconds: returns the CPU time that was used so far; by default, that of all threads of this process.
    :param seconds: ``read`` is called for at least this time, even if the CPU time is used up earlier.
    :raises TimeoutError: the CPU time was used up before the event happened, or the process does no work.
    """
    began_at, cpu_at_begin = clock(), cpu_seconds()
    window_at, cpu_at_window = began_at, cpu_at_begin
    while not (value := read()):
        now, cpu = clock(), cpu_seconds()
        if now - began_at >= seconds and cpu - cpu_at_begin >= cpu_budget:
            raise TimeoutError(f"No true value after {cpu - cpu_at_begin:.1f} s of CPU time; the last was {value!r}.")
        if now - window_at >= STALL_SECONDS:
            if cpu - cpu_at_window < STALL_CPU_SECONDS:
                raise TimeoutError(f"Nothing was done for {now - window_at:.0f} s; the last value was {value!r}.")
            window_at, cpu_at_window = now, cpu
        sleep(0.01)
    return value
