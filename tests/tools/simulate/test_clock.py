"""Time passes only in the simulation."""

from __future__ import annotations

import asyncio
import datetime
import time

import pytest

from tools.simulate.clock import START, VirtualClock, VirtualLoop, virtual_time


class Bell:
    """An event that happens once."""

    def __init__(self, clock: VirtualClock, due: float) -> None:
        self.clock, self.due, self.rang_at = clock, due, 0.0

    def next_due(self) -> float | None:
        return None if self.rang_at else self.due

    def run_due(self) -> None:
        self.rang_at = self.clock.now


def test_the_process_sees_the_virtual_time_inside_the_block_only() -> None:
    clock = VirtualClock()
    with virtual_time(clock):
        time.sleep(3600)
        assert time.time() == START + 3600
        assert datetime.datetime.now(datetime.UTC).timestamp() == START + 3600
        assert isinstance(datetime.datetime.fromisoformat("2026-11-25"), datetime.datetime)
    assert time.time() != clock.now


def test_an_event_happens_at_its_own_time() -> None:
    clock = VirtualClock()
    clock.events = bell = Bell(clock, START + 10)
    clock.sleep(5)
    assert not bell.rang_at
    clock.sleep(100)
    assert (bell.rang_at, clock.now) == (START + 10, START + 105)


def test_a_loop_does_not_wait_for_its_timers() -> None:
    clock = VirtualClock()
    loop = VirtualLoop(clock)
    began = time.perf_counter()
    loop.run_until_complete(asyncio.sleep(86_400))
    assert clock.now == pytest.approx(START + 86_400)
    assert time.perf_counter() - began < 60
    loop.close()


def test_the_work_of_a_thread_is_done_at_once_and_its_error_arrives() -> None:
    loop = VirtualLoop(VirtualClock())

    async def work() -> int:
        return await asyncio.to_thread(int, "7")

    async def fail() -> int:
        return await asyncio.to_thread(int, "seven")

    assert loop.run_until_complete(work()) == 7
    with pytest.raises(ValueError, match="seven"):
        loop.run_until_complete(fail())
    loop.close()


def test_a_loop_that_waits_for_nothing_is_an_error() -> None:
    loop = VirtualLoop(VirtualClock())
    with pytest.raises(RuntimeError, match="never happen"):
        loop.run_until_complete(loop.create_future())
    loop.close()


def test_the_result_of_a_thread_comes_later_if_threads_take_time() -> None:
    clock = VirtualClock()
    loop = VirtualLoop(clock)
    loop.thread_seconds = 2.0

    async def wait() -> list[float]:
        started: list[float] = []
        work = loop.run_in_executor(None, lambda: started.append(clock.now))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(work), timeout=1.0)
        await work
        return started

    assert loop.run_until_complete(wait()) == [START]
    assert clock.now == START + 2.0
    loop.close()
