"""Wait between the events of a stream, for as long as the settings say."""

from __future__ import annotations

import asyncio
import time

from tools.aws_simulator.account.settings import SettingsStore


class Pace:
    """The time between two events of a stream. A change of the setting also affects waits that are under way."""

    def __init__(self, settings: SettingsStore) -> None:
        self._settings = settings
        self._waiting: set[asyncio.Future[None]] = set()
        settings.on_change(self._wake)

    @property
    def seconds(self) -> float:
        """The time between two events."""
        return self._settings.current.stream_latency_ms / 1000

    async def wait(self) -> None:
        """Wait until the next event is due."""
        began = time.monotonic()
        while (remaining := began + self.seconds - time.monotonic()) > 0:
            changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(changed)
            try:
                await asyncio.wait([changed], timeout=remaining)
            finally:
                self._waiting.discard(changed)
        await asyncio.sleep(0)  # other tasks get a turn even if there is no latency

    def _wake(self) -> None:
        """Make each wait read the changed setting and compute its end again. This may be called from any thread."""
        for changed in list(self._waiting):
            changed.get_loop().call_soon_threadsafe(_end, changed)


def _end(changed: asyncio.Future[None]) -> None:
    if not changed.done():
        changed.set_result(None)
