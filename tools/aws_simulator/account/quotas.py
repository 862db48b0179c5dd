"""
Limit each model's requests and tokens per minute, and count them as Bedrock does.

Both limits are token buckets that refill steadily. A call reserves its input tokens plus ``max_tokens`` before it runs.
Once the model has answered, the reservation is replaced with the input tokens plus the real output tokens times the
model's burndown rate. This sum may be smaller or larger than the reservation. Because of the reservation, a large
``max_tokens`` can cause throttling even if the answers are short.
https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tools.aws_simulator.account.settings import ModelQuota, SettingsStore
from tools.aws_simulator.protocol.errors import ThrottlingException

TOO_MANY_REQUESTS = "Too many requests, please wait before trying again."
TOO_MANY_TOKENS = "Too many tokens, please wait before trying again."


@dataclass
class _TokenBucket:
    capacity: float
    per_second: float
    level: float = field(init=False)
    refilled: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.capacity

    def refill(self, now: float) -> None:
        self.give((now - self.refilled) * self.per_second)
        self.refilled = now

    def give(self, amount: float) -> None:
        self.level = min(self.capacity, self.level + amount)


class _ModelBuckets:
    """The buckets for one model's requests and tokens."""

    def __init__(self, quota: ModelQuota, now: float) -> None:
        self.quota = quota
        self.requests = _TokenBucket(quota.burst or max(1.0, quota.rpm), quota.rpm / 60) if quota.rpm else None
        self.tokens = _TokenBucket(quota.tpm, quota.tpm / 60) if quota.tpm else None
        for bucket in (self.requests, self.tokens):
            if bucket:
                bucket.refilled = now


@dataclass(frozen=True)
class Reservation:
    """The part of a model's token quota that a running call has reserved."""

    bucket: _TokenBucket | None
    tokens: float

    def settle(self, used: float) -> None:
        """Replace the reserved tokens with the tokens that were used. The bucket's level may fall below zero."""
        if self.bucket:
            self.bucket.give(self.tokens - used)


class Quotas:
    """The account's rate quotas. Not thread-safe: use them only from the event loop.

    :param clock: returns monotonic seconds.
    """

    def __init__(self, settings: SettingsStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._buckets: dict[str, _ModelBuckets] = {}

    def reserve(self, names: Sequence[str], tokens: float, default: ModelQuota | None = None) -> Reservation:
        """Take one request and ``tokens`` from a model's quota, which may be set under any of the model's ``names``.

        :param default: the limits that apply if the settings have no limits for the names. With a default, calls are
            counted under the first name, so that each custom model deployment has buckets of its own. Without a
            default, calls are counted under the name for which the settings have a quota.
        :raises ThrottlingException: not enough requests or tokens are left. Nothing is taken in this case.
        """
        buckets = self._buckets_of(names, default)
        if buckets is None:
            return Reservation(None, 0)
        if buckets.requests and buckets.requests.level < 1:
            raise ThrottlingException(TOO_MANY_REQUESTS)
        if buckets.tokens and buckets.tokens.level < tokens:
            raise ThrottlingException(TOO_MANY_TOKENS)
        if buckets.requests:
            buckets.requests.give(-1)
        if buckets.tokens:
            buckets.tokens.give(-tokens)
        return Reservation(buckets.tokens, tokens)

    def _buckets_of(self, names: Sequence[str], default: ModelQuota | None) -> _ModelBuckets | None:
        quotas, now = self._settings.current.quotas, self._clock()
        name = next((name for name in names if name in quotas), None)
        quota = quotas[name] if name else default
        if quota and default:
            quota = default.model_copy(update=quota.model_dump(exclude_none=True))
        if quota is None:
            return None
        counted_under = name if name and default is None else names[0]
        buckets = self._buckets.get(counted_under)
        if buckets is None or buckets.quota != quota:  # a changed quota starts with full buckets
            buckets = self._buckets[counted_under] = _ModelBuckets(quota, now)
        for bucket in (buckets.requests, buckets.tokens):
            if bucket:
                bucket.refill(now)
        return buckets
