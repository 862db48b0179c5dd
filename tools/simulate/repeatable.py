"""
Let a process depend on nothing but the state in which it starts, so that the same state always leads to the same end.

Random numbers, identifiers and botocore's budget for retries would otherwise depend on all earlier schedules.

- The account numbers its resources: the n-th has the same identifier in each schedule.
- The first state of a process decides the identifiers that the process itself draws, such as botocore's tokens. Two
  processes of a schedule never get the same one, unless the first of them has left no trace.
- All other random numbers, such as the pauses between retries, are the same in each process. So two processes that
  repeat a request equally often also take equally long.
"""

from __future__ import annotations

import random
import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from botocore.retries.quota import RetryQuota

from tools.simulate.account import MemoryAccount


class Repeatable:
    """
    The random numbers of the present process.

    :ivar drawn: how many identifiers the process has drawn.
    """

    def __init__(self, account: MemoryAccount) -> None:
        self._account = account
        self._quotas: list[Any] = []
        self._state = b""
        self._identifiers = random.Random(0)
        self.drawn = 0

    def begin(self, state: bytes) -> None:
        """Start a process in a state."""
        self._state, self.drawn = state, 0
        self._identifiers = random.Random(state)
        random.seed(0)
        for quota in self._quotas:
            quota._available_capacity = quota._max_capacity

    @property
    def position(self) -> tuple[bytes, int]:
        """What decides the next identifiers."""
        return self._state, self.drawn

    @property
    def has_retried(self) -> bool:
        """Whether the process has used some of botocore's budget for retries."""
        return any(quota._available_capacity != quota._max_capacity for quota in self._quotas)

    def draw(self, count: int) -> None:
        """Draw identifiers that nobody uses."""
        for _ in range(count):
            self._identifier()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let other processes begin inside the block. Afterwards, the present one continues with its own numbers."""
        before = random.getstate(), self._state, self._identifiers, self.drawn
        capacities = [quota._available_capacity for quota in self._quotas]
        try:
            yield
        finally:
            random.setstate(before[0])
            _, self._state, self._identifiers, self.drawn = before
            for quota, capacity in zip(self._quotas, capacities, strict=False):  # new quotas are at the end
                quota._available_capacity = capacity

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Let Python's random numbers come from here inside the block."""
        before = random.getstate()
        with ExitStack() as stack:
            stack.callback(random.setstate, before)
            stack.enter_context(patch.object(secrets, "token_bytes", self._token_bytes))
            stack.enter_context(patch.object(uuid, "uuid4", self._identifier))
            stack.enter_context(patch.object(RetryQuota, "__init__", self._registered(RetryQuota.__init__)))
            yield

    def _token_bytes(self, size: int = 32) -> bytes:
        return random.Random(self._account.next_number()).randbytes(size)

    def _identifier(self) -> uuid.UUID:
        self.drawn += 1
        return uuid.UUID(bytes=self._identifiers.randbytes(16), version=4)

    def _registered(self, original: Callable[..., None]) -> Callable[..., None]:
        def init(quota: Any, *arguments: Any, **named: Any) -> None:
            original(quota, *arguments, **named)
            self._quotas.append(quota)

        return init
