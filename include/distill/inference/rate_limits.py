"""
Keep the rate of calls within a model's quotas for requests and tokens.

Before a call starts, Bedrock reserves the input tokens and all of ``max_tokens`` from the token quota. When the call
ends, Bedrock replaces ``max_tokens`` with the output tokens multiplied by the model's burn-down rate
(https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html). :class:`TokenBucket` counts in the
same way, so calls stay within a stated quota instead of being throttled. If no quota is stated, :class:`AimdLimiter`
adapts the rate to throttling.

Mapped tasks share no memory, so a task uses a fixed share of the quota: the number of slots that the task holds in its
Airflow pool divided by the number of slots in the pool. The quota also allows a burst of calls at the start. If the
pool has N slots and each task holds one, only the first N tasks may use the burst. Retries never use it.

No rate limiter library is used, because none of them gives back the tokens that a call reserved and did not use. With
an unknown quota, botocore's adaptive retries caused three times as many rejected calls as this module
(docs/explanation/performance.md).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from include.distill.core.errors import (
    InvalidRequestError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
)
from include.distill.inference.requests import Completion, ModelRequest

MINUTE = 60.0
# The first calls take longer to reach the service than later calls. The service's bucket is full until they arrive, so
# it starts to refill later than TokenBucket. The capacity of TokenBucket is therefore smaller than that of the
# service's bucket by the amount that refills in JITTER_SECONDS. A value of 0.5 was too small: when four tasks started
# at the same time on two cores, one of 501 calls was rejected.
JITTER_SECONDS = 1.0
MAX_PAUSE_SECONDS = 20.0


@dataclass(frozen=True)
class Quota:
    """
    The part of a model's quota that one task may use. A rate is ``None`` if its quota is not known.

    :param tokens_per_minute: rate of tokens, counted in the same way as Bedrock reserves them.
    :param burst_share: share of a minute's requests that may start at once, before the steady rate applies.
    :param token_burst_share: share of a minute's tokens that may be reserved at once.
    :param starts_full: whether the task may start with a burst; false for a retry.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    burst_share: float = 0.1
    token_burst_share: float = 1.0
    starts_full: bool = True

    @property
    def is_stated(self) -> bool:
        """Whether the number of requests or of tokens per minute is known."""
        return self.requests_per_minute is not None or self.tokens_per_minute is not None

    def scaled(self, share: float, *, starts_full: bool) -> Quota:
        """Return the quota with its rates multiplied by ``share``, a number from 0 to 1."""

        def part(per_minute: float | None) -> float | None:
            return None if per_minute is None else per_minute * share

        return replace(
            self,
            requests_per_minute=part(self.requests_per_minute),
            tokens_per_minute=part(self.tokens_per_minute),
            starts_full=starts_full,
        )


class TokenBucket:
    """
    A model of the token bucket that Bedrock uses to limit requests or tokens.

    The bucket refills at a steady rate, and each call takes an amount from it.

    :param per_minute: rate at which the bucket refills.
    :param burst: capacity of the service's bucket.
    :param now: time in seconds, from the same clock that is passed to the other methods.
    """

    def __init__(self, per_minute: float, burst: float, now: float, *, full: bool = True) -> None:
        self._per_second = per_minute / MINUTE
        usable = max(0.0, burst - self._per_second * JITTER_SECONDS)
        self._capacity = max(1.0, usable)
        self._level = usable if full else 0.0
        self._filled_at = now

    def seconds_until(self, amount: float, now: float) -> float:
        """Return the seconds until ``amount`` may be taken. An amount above the capacity requires a full bucket."""
        self._level = min(self._capacity, self._level + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        seconds = (min(amount, self._capacity) - self._level) / self._per_second
        return seconds if seconds > 1e-6 else 0.0  # a smaller value is a rounding error

    def take(self, amount: float) -> None:
        """Take ``amount`` from the bucket even if it holds less; the level then becomes negative."""
        self._level -= amount

    def refund(self, amount: float) -> None:
        """Give back the amount that a call reserved and did not use. A negative amount is taken from the bucket."""
        self._level = min(self._capacity, self._level + amount)

    def drain(self) -> None:
        """Empty the bucket after a throttled call, because throttling shows that the service's bucket is empty."""
        self._level = min(0.0, self._level)


class AimdLimiter:
    """
    A limit on the calls in flight that adapts by additive increase and multiplicative decrease (AIMD).

    The limit is ``ceiling`` until a call is throttled. If ``ceiling`` is a guess, the first throttled call cuts the
    limit to a few calls, and the limit then grows fast until the next throttled call. In all other cases, a throttled
    call makes a smaller cut, and the limit then grows slowly. After the first cut, calls start evenly spaced over the
    time that one call takes. Otherwise they would start in bursts. The limit grows with time and not with the number of
    answers, because throttling errors return at once while answers take seconds. The constants were chosen by
    simulating quotas of 60 to 1,200 requests per minute and answers that take 0.5 to 10 s.

    :param ceiling: maximum number of calls in flight.
    :param is_guess: whether ``ceiling`` is a guess because no quota is stated.
    """

    FIRST_CUT = 0.1
    CUT = 0.6
    FAST_GROWTH = 1.5  # factor per second
    SLOW_GROWTH = 0.05  # calls added per second, as a share of the limit just after a cut
    PAUSE_SECONDS = 0.5
    GAP_SECONDS = 0.002

    def __init__(self, ceiling: int, now: float, *, is_guess: bool = True) -> None:
        self.ceiling = ceiling
        self.allowed = float(ceiling)
        self._in_flight = 0
        self._latency: float | None = None
        self._is_guess = is_guess
        self._slope: float | None = None  # calls added per second; None while growth is fast
        self._cut_at: float | None = None
        self._cuts_in_a_row = 0
        self._started_at = self._grown_at = self._next_at = now

    def seconds_to_wait(self, now: float) -> float:
        """Return the seconds to wait before calling this method again.

        The value is 0 if a call may start, and infinite if no call may start until another call ends.
        """
        self._grow(now)
        if self._in_flight >= max(1, int(self.allowed)):
            return math.inf if self._cut_at is None else 0.1
        return max(0.0, self._next_at - now)

    def begin(self, now: float) -> None:
        """Count the start of a call."""
        self._in_flight += 1
        gap = self.GAP_SECONDS
        if self._cut_at is not None:
            gap = (self._latency or now - self._started_at) / self.allowed
        self._next_at = now + gap

    def end(self) -> None:
        """Reduce the number of calls in flight after a call has ended, with or without an answer."""
        self._in_flight -= 1

    def record_latency(self, seconds: float) -> None:
        """Update the moving average of the time that an answer takes."""
        self._latency = seconds if self._latency is None else 0.9 * self._latency + 0.1 * seconds
        self._cuts_in_a_row = 0

    def record_throttle(self, sent_at: float, now: float) -> None:
        """
        Cut the limit after a throttled call.

        Ignore a call that was sent before the last cut. It says nothing about the new limit.
        """
        if self._cut_at is not None and sent_at < self._cut_at:
            return
        is_first_cut = self._cut_at is None and self._is_guess
        self.allowed = max(1.0, min(self.allowed, self._in_flight) * (self.FIRST_CUT if is_first_cut else self.CUT))
        self._slope = None if is_first_cut else self.SLOW_GROWTH * self.allowed
        self._cut_at = self._grown_at = now
        self._next_at = now + min(MAX_PAUSE_SECONDS, self.PAUSE_SECONDS * 2**self._cuts_in_a_row)
        self._cuts_in_a_row += 1

    def _grow(self, now: float) -> None:
        if self._cut_at is None:
            return
        seconds, self._grown_at = now - self._grown_at, now
        slope = self._slope
        grown = self.allowed * self.FAST_GROWTH**seconds if slope is None else self.allowed + slope * seconds
        self.allowed = min(float(self.ceiling), grown)


class TokenEstimator:
    """
    An estimator for the tokens that a call takes from the quota: its input tokens plus tokens for its answer.

    The tokens for the answer are ``max_tokens``, or the tokens of the longest answer so far multiplied by the burn-down
    rate, whichever is larger.

    A request has two estimates of its input tokens, a central and a conservative one
    (:attr:`ModelRequest.estimated_tokens`). Until real usage is known, the conservative one is used. After the first
    answer, the central one is used and multiplied by the highest ratio of real to estimated tokens so far. This ratio
    depends on the model's tokenizer. If an estimate is too high, the unused tokens are given back when the call ends.
    If an estimate is too low, another call may be throttled.
    """

    def __init__(self) -> None:
        self._correction: float | None = None
        self._longest_answer = 0

    def estimate(self, request: ModelRequest) -> float:
        """Return the number of tokens that ``request`` is expected to take from the quota."""
        central, conservative = request.estimated_tokens
        input_tokens = conservative if self._correction is None else self._correction * central
        return input_tokens + max(request.max_tokens, self._longest_answer * request.model.output_burndown)

    def update(self, request: ModelRequest, completion: Completion) -> None:
        """Update the estimate with the real usage of a call."""
        ratio = completion.input_tokens / max(1, request.estimated_tokens[0])
        self._correction = max(self._correction or 0.0, ratio)
        self._longest_answer = max(self._longest_answer, completion.output_tokens)


Wait = Callable[[threading.Condition, float | None], object]


class RateLimiter:
    """
    A limiter that makes each call of a task wait until the quota and the concurrency limit allow it.

    The limiter is thread-safe. While one call waits for the quota, no later call can start before it.

    :param quota: the task's share of the model's quota.
    :param ceiling: maximum number of calls in flight.
    :param clock: returns the time in seconds.
    :param wait: waits on a condition for a number of seconds; ``None`` waits without a timeout.
    """

    def __init__(self, quota: Quota, ceiling: int, *, clock: Callable[[], float], wait: Wait) -> None:
        now = clock()
        full, requests, tokens = quota.starts_full, quota.requests_per_minute, quota.tokens_per_minute
        self._requests = TokenBucket(requests, requests * quota.burst_share, now, full=full) if requests else None
        self._tokens = TokenBucket(tokens, tokens * quota.token_burst_share, now, full=full) if tokens else None
        self._concurrency = AimdLimiter(ceiling, now, is_guess=not quota.is_stated)
        self._clock = clock
        self._wait = wait
        self._queue = threading.Lock()
        self._changed = threading.Condition()
        # The time at which each request first failed. Every answer clears all entries.
        self._failing_since: dict[str, float] = {}
        # The requests that are not sent again although AWS may have billed them. Every answer clears all entries.
        self._given_up: set[str] = set()
        self.stopped_by: ServiceError | None = None

    def acquire(self, tokens: float) -> float:
        """Wait until a call that reserves ``tokens`` may start, and return the start time in seconds.

        :raises ServiceError: the error in ``stopped_by``. It was raised for another call and also applies to this call.
        """
        with self._queue, self._changed:
            while True:
                if self.stopped_by:
                    raise self.stopped_by
                now = self._clock()
                if not (seconds := self._seconds_to_wait(tokens, now)):
                    break
                self._wait(self._changed, None if math.isinf(seconds) else seconds)
            for bucket, amount in ((self._requests, 1.0), (self._tokens, tokens)):
                if bucket:
                    bucket.take(amount)
            self._concurrency.begin(now)
            return now

    def _seconds_to_wait(self, tokens: float, now: float) -> float:
        seconds = self._concurrency.seconds_to_wait(now)
        for bucket, amount in ((self._requests, 1.0), (self._tokens, tokens)):
            if bucket:
                seconds = max(seconds, bucket.seconds_until(amount, now))
        return seconds

    def record_answer(self, sent_at: float, *, unused_tokens: float) -> None:
        """Give back the tokens that an answered call did not use.

        The call counts as in flight until :meth:`end_call`.
        """
        with self._changed:
            if self._tokens:
                self._tokens.refund(unused_tokens)
            self._concurrency.record_latency(self._clock() - sent_at)
            self._failing_since.clear()
            self._given_up.clear()
            self._changed.notify_all()

    def record_error(
        self, request_key: str, sent_at: float, error: ServiceError | None, *, unused_tokens: float
    ) -> None:
        """Give back the tokens that a failed call did not use, and adapt the limits to the error.

        :param request_key: key of the request that failed.
        :param error: ``None`` if the call failed with an exception that is not a :class:`ServiceError`.
        """
        with self._changed:
            if self._tokens:
                self._tokens.refund(unused_tokens)
            if isinstance(error, ThrottledError):
                self._concurrency.record_throttle(sent_at, self._clock())
                # Bedrock's message contains "Too many requests" or "Too many tokens".
                is_tokens = self._tokens and "too many tokens" in str(error).lower()
                if exhausted := self._tokens if is_tokens else self._requests:
                    exhausted.drain()
            elif isinstance(error, RefusedError) and not isinstance(error, InvalidRequestError):
                self.stopped_by = error
            if isinstance(error, ThrottledError | TransientError):
                self._failing_since.setdefault(request_key, self._clock())
            self._changed.notify_all()

    def fails_for_every_request(self, patience_seconds: float) -> bool:
        """
        Return whether calls have failed for ``patience_seconds`` and no call has been answered since the first failure.

        At least two different requests must have failed, because the failures of one request may be caused by that
        request itself.
        """
        with self._changed:
            if len(self._failing_since) < 2:
                return False
            return self._clock() - min(self._failing_since.values()) >= patience_seconds

    def give_up(self, request_key: str) -> int:
        """Record that a billed request is not sent again; return the number of such requests since the last answer."""
        with self._changed:
            self._given_up.add(request_key)
            return len(self._given_up)

    def stop(self, error: ServiceError) -> None:
        """Refuse all waiting calls and all later calls with ``error``."""
        with self._changed:
            self.stopped_by = error
            self._changed.notify_all()

    def end_call(self) -> None:
        """Stop counting a call as in flight, so that another call may start."""
        with self._changed:
            self._concurrency.end()
            self._changed.notify_all()
