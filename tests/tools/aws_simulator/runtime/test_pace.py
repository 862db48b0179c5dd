"""The wait between two events follows the settings, even while it is under way."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import State
from tools.aws_simulator.runtime.pace import Pace

AN_HOUR = 3_600_000.0


@pytest.fixture
def settings(tmp_path: Path) -> SettingsStore:
    return SettingsStore(State(tmp_path / "state.sqlite"))


def test_without_a_latency_there_is_no_wait(settings: SettingsStore) -> None:
    pace = Pace(settings)
    assert pace.seconds == 0
    asyncio.run(asyncio.wait_for(pace.wait(), 60))


def test_a_short_latency_ends_by_itself(settings: SettingsStore) -> None:
    settings.change({"stream_latency_ms": 1})
    asyncio.run(asyncio.wait_for(Pace(settings).wait(), 60))


def test_a_change_in_any_thread_ends_all_waits_that_are_over_by_then(settings: SettingsStore) -> None:
    settings.change({"stream_latency_ms": AN_HOUR})
    pace = Pace(settings)

    async def scenario() -> None:
        waits = [asyncio.ensure_future(pace.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        settings.change({"stream_latency_ms": 2 * AN_HOUR})
        await asyncio.sleep(0)
        assert not any(wait.done() for wait in waits)
        thread = threading.Thread(target=settings.change, args=({"stream_latency_ms": 0},))
        thread.start()
        await asyncio.wait_for(asyncio.gather(*waits), 60)
        thread.join()

    asyncio.run(scenario())


def test_a_cancelled_wait_is_forgotten(settings: SettingsStore) -> None:
    settings.change({"stream_latency_ms": AN_HOUR})
    pace = Pace(settings)

    async def scenario() -> None:
        wait = asyncio.ensure_future(pace.wait())
        await asyncio.sleep(0)
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        settings.change({"stream_latency_ms": 0})
        assert not pace._waiting

    asyncio.run(scenario())
