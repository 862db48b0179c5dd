"""
Requests and tokens a minute as Bedrock counts them, exact: what the model server of the benchmarks admits by.

Kept apart from the pipeline's own pacing, which is what it checks: a mistake shared by both would show nowhere.
https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

ROUNDING = 1e-6  # a level that is short by a rounding error of the clock's arithmetic is not short


@dataclass(frozen=True)
class Quota:
    """
    What a model may be asked; ``None`` is no limit.

    :param burst: requests that a bucket holds which was not used for a while.
    :param token_burst: the same in tokens.
    :param burndown: quota tokens that one token of output costs, once it was written; reserved is ``max_tokens``.
    """

    requests_per_minute: float | None = None
    burst: float | None = None
    tokens_per_minute: float | None = None
    token_burst: float | None = None
    burndown: float = 1.0


@dataclass
class Bucket:
    """A bucket that is full at first and refills steadily. ``None`` a minute never runs dry."""

    per_minute: float | None
    capacity: float | None
    level: float = field(init=False)
    filled_at: float | None = None

    def __post_init__(self) -> None:
        if self.capacity is None:
            self.capacity = self.per_minute
        self.level = self.capacity or 0.0

    def seconds_until(self, amount: float, now: float) -> float:
        """Return how long after the time ``now``, in seconds, ``amount`` can be taken; infinite when it never can."""
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
        """Take ``amount``, or give it back when it is negative."""
        if self.per_minute is not None and self.capacity is not None:
            self.level = min(self.capacity, self.level - amount)


class Admission:
    """Admits or rejects calls by one quota."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self._requests = Bucket(quota.requests_per_minute, quota.burst)
        self._tokens = Bucket(quota.tokens_per_minute, quota.token_burst)

    def seconds_until(self, input_tokens: int, max_tokens: int, now: float) -> float:
        """Return how long after ``now`` a call fits; 0 when it does."""
        requests = self._requests.seconds_until(1, now)
        return max(requests, self._tokens.seconds_until(input_tokens + max_tokens, now))

    def admit(self, input_tokens: int, max_tokens: int, now: float) -> bool:
        """Take one request and reserve input and ``max_tokens``, or take nothing and return ``False``."""
        if self.seconds_until(input_tokens, max_tokens, now):
            return False
        self._requests.take(1)
        self._tokens.take(input_tokens + max_tokens)
        return True

    def settle(self, max_tokens: int, output_tokens: int) -> None:
        """Take what the answer burnt in the place of what was reserved for it; the bucket may fall below empty."""
        self._tokens.take(self.quota.burndown * output_tokens - max_tokens)


@dataclass(frozen=True)
class Work:
    """Calls that are all alike. ``seconds`` is how long one takes."""

    calls: int
    concurrency: int
    seconds: float
    input_tokens: int = 0
    max_tokens: int = 0
    output_tokens: int = 0


def ideal_seconds(work: Work, quota: Quota) -> float:
    """Return how long ``work`` takes at the least: each call starts in the very moment in which it may."""
    admission, now, under_way = Admission(quota), 0.0, list[float]()
    for _ in range(work.calls):
        while len(under_way) == work.concurrency or not admission.admit(work.input_tokens, work.max_tokens, now):
            refill = admission.seconds_until(work.input_tokens, work.max_tokens, now)
            if len(under_way) < work.concurrency and now + refill < min(under_way, default=math.inf):
                now += refill
                continue
            now = heapq.heappop(under_way)
            admission.settle(work.max_tokens, work.output_tokens)
        heapq.heappush(under_way, now + work.seconds)
    return max(under_way)
