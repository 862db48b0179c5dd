"""
Limit requests and tokens per minute exactly as Bedrock does, for the model server of the benchmarks.

This module shares no code with the pipeline's own pacing, because it checks that pacing. If both had the same mistake,
no benchmark would show it.
https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

ROUNDING = 1e-6  # a smaller shortage is treated as a rounding error in the times


@dataclass(frozen=True)
class Quota:
    """
    The limits of a model; ``None`` means no limit.

    :param burst: number of requests that may arrive at once after a pause.
    :param token_burst: number of tokens that may be used at once after a pause.
    :param burndown: number of quota tokens that one output token costs. A call first reserves ``max_tokens``.
    """

    requests_per_minute: float | None = None
    burst: float | None = None
    tokens_per_minute: float | None = None
    token_burst: float | None = None
    burndown: float = 1.0


@dataclass
class Bucket:
    """A token bucket. It starts full and refills at a steady rate. If ``per_minute`` is None, there is no limit."""

    per_minute: float | None
    capacity: float | None
    level: float = field(init=False)
    filled_at: float | None = None

    def __post_init__(self) -> None:
        if self.capacity is None:
            self.capacity = self.per_minute
        self.level = self.capacity or 0.0

    def seconds_until(self, amount: float, now: float) -> float:
        """Return the seconds from ``now`` until the bucket holds ``amount``; infinity if it never will."""
        if self.per_minute is None or self.capacity is None:
            return 0.0
        if amount > self.capacity:
            return math.inf
        if self.filled_at is not None:
            self.level = min(self.capacity, self.level + (now - self.filled_at) * self.per_minute / 60)
        self.filled_at = now
        short = amount - self.level
        return short * 60 / self.per_minute if short > ROUNDING else 0.0

    def take(self, amount: float) -> None:
        """Take ``amount``; a negative amount is returned to the bucket."""
        if self.per_minute is not None and self.capacity is not None:
            self.level = min(self.capacity, self.level - amount)


class Admission:
    """Admits or rejects calls under one quota."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self._requests = Bucket(quota.requests_per_minute, quota.burst)
        self._tokens = Bucket(quota.tokens_per_minute, quota.token_burst)

    def seconds_until(self, input_tokens: int, max_tokens: int, now: float) -> float:
        """Return the seconds from ``now`` until a call is admitted; 0 when it is admitted immediately."""
        requests = self._requests.seconds_until(1, now)
        return max(requests, self._tokens.seconds_until(input_tokens + max_tokens, now))

    def admit(self, input_tokens: int, max_tokens: int, now: float) -> bool:
        """
        Admit a call if the quota has room for it; otherwise, return False and take nothing from the quota.

        An admitted call takes one request, and reserves its input tokens and ``max_tokens``.
        """
        if self.seconds_until(input_tokens, max_tokens, now):
            return False
        self._requests.take(1)
        self._tokens.take(input_tokens + max_tokens)
        return True

    def settle(self, max_tokens: int, output_tokens: int) -> None:
        """Replace the reservation with the tokens that the answer used. The bucket's level may fall below zero."""
        self._tokens.take(self.quota.burndown * output_tokens - max_tokens)


@dataclass(frozen=True)
class Work:
    """Identical calls, at most ``concurrency`` at a time. Each call takes ``seconds``."""

    calls: int
    concurrency: int
    seconds: float
    input_tokens: int = 0
    max_tokens: int = 0
    output_tokens: int = 0


def ideal_seconds(work: Work, quota: Quota) -> float:
    """Return the shortest possible time for the work: every call starts as soon as concurrency and quota allow it."""
    admission, now, in_flight = Admission(quota), 0.0, list[float]()
    for _ in range(work.calls):
        while len(in_flight) == work.concurrency or not admission.admit(work.input_tokens, work.max_tokens, now):
            refill = admission.seconds_until(work.input_tokens, work.max_tokens, now)
            if len(in_flight) < work.concurrency and now + refill < min(in_flight, default=math.inf):
                now += refill
                continue
            now = heapq.heappop(in_flight)
            admission.settle(work.max_tokens, work.output_tokens)
        heapq.heappush(in_flight, now + work.seconds)
    return max(in_flight)
