"""
Asking at the speed of the quota: never faster, hardly slower.

Bedrock takes a call's input and the whole of its ``max_tokens`` from the token quota before the call starts. When it
ends, its output at the model's burn-down rate takes the place of ``max_tokens``
(https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html). :class:`TokenBucket` keeps the same
account, so a stated quota is met and not bumped into. Without a stated quota :class:`AimdLimiter` finds the speed.

Mapped tasks share no memory. The rule between them is small: a task uses its share of the quota, slots held over slots
of its Airflow pool, and the burst is used once: by the first tasks that fill the pool, never by a retry.
"""

from __future__ import annotations

import copy
import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from include.distill.core.errors import (
    ContractError,
    InvalidRequestError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
)
from include.distill.inference.requests import Completion, ModelClient, ModelRequest

MINUTE = 60.0
# The first calls take longer to reach the service than those after them. Its bucket is full until they arrive, so this
# much of the rate is left in ours, or the later calls would find the service's empty. With half a second, one of 501
# calls of four tasks that started side by side on two cores was rejected.
JITTER_SECONDS = 1.0
BYTES_PER_TOKEN = 3.0
MAX_ATTEMPTS = 6
MAX_PAUSE_SECONDS = 20.0


@dataclass(frozen=True)
class Quota:
    """
    What one task may use of a model's quota; ``None`` where it is not known.

    :param tokens_per_minute: tokens as Bedrock reserves them.
    :param burst_share: share of a minute's requests that may be made at once, before the steady rate.
    :param token_burst_share: the same for tokens.
    :param starts_full: whether the burst is there at the start; for a retry it is not.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    burst_share: float = 0.1
    token_burst_share: float = 1.0
    starts_full: bool = True

    @property
    def is_stated(self) -> bool:
        """Whether anything is known of it."""
        return self.requests_per_minute is not None or self.tokens_per_minute is not None

    def scaled(self, share: float, *, starts_full: bool) -> Quota:
        """Return the quota of a task that holds ``share`` of the pool's slots."""

        def cut(whole: float | None) -> float | None:
            return None if whole is None else whole * share

        return replace(
            self,
            requests_per_minute=cut(self.requests_per_minute),
            tokens_per_minute=cut(self.tokens_per_minute),
            starts_full=starts_full,
        )


class TokenBucket:
    """
    An account of a quota as the service keeps it: filled at a steady rate, emptied by what is taken.

    :param burst: how much the service's holds.
    :param now: the time, in seconds, on the clock by which all methods are called.
    """

    def __init__(self, per_minute: float, burst: float, now: float, *, full: bool = True) -> None:
        self._per_second = per_minute / MINUTE
        left = max(0.0, burst - self._per_second * JITTER_SECONDS)
        self._capacity = max(1.0, left)
        self._level = left if full else 0.0
        self._filled_at = now

    def seconds_until(self, amount: float, now: float) -> float:
        """Return the seconds until ``amount`` may be taken. What is more than it holds may be when it is full."""
        self._level = min(self._capacity, self._level + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        seconds = (min(amount, self._capacity) - self._level) / self._per_second
        return seconds if seconds > 1e-6 else 0.0  # not for the sake of a rounding error

    def take(self, amount: float) -> None:
        """Take ``amount``, going into debt for what is more than it holds."""
        self._level -= amount

    def refund(self, amount: float) -> None:
        """Return what was reserved and not used; what was used beyond that is below zero."""
        self._level = min(self._capacity, self._level + amount)

    def drain(self) -> None:
        """Believe the service, which says that nothing is left."""
        self._level = min(0.0, self._level)


class AimdLimiter:
    """
    How many calls may be under way when the quota is not known: additive increase, multiplicative decrease.

    All of ``ceiling`` until a call is throttled; then few, growing fast until the next one; from then on slowly, with
    a cut after each. Calls are spaced evenly over the time that one takes, or they would come in volleys. Growth is by
    time and not by answers, for a service says at once that it is too much, and takes long to answer. The constants
    were found by simulating buckets of 60 to 1,200 requests a minute and answers that take 0.5 to 10 s.

    :param ceiling: never more than this.
    :param is_guess: whether nothing is known of the quota, so that the first cut may have to be a large one.
    """

    FIRST_CUT = 0.1
    CUT = 0.6
    FAST_GROWTH = 1.5  # times, per second
    SLOW_GROWTH = 0.05  # of what is left after a cut, per second
    PAUSE_SECONDS = 0.5
    GAP_SECONDS = 0.002

    def __init__(self, ceiling: int, now: float, *, is_guess: bool = True) -> None:
        self.ceiling = ceiling
        self.allowed = float(ceiling)
        self._under_way = 0
        self._latency: float | None = None
        self._is_guess = is_guess
        self._slope: float | None = None  # calls per second; None while growth is fast
        self._cut_at: float | None = None
        self._cuts_in_a_row = 0
        self._started_at = self._grown_at = self._next_at = now

    def seconds_to_wait(self, now: float) -> float:
        """Return the seconds until a call may start; infinite when one has to end first."""
        self._grow(now)
        if self._under_way >= max(1, int(self.allowed)):
            return math.inf if self._cut_at is None else 0.1
        return max(0.0, self._next_at - now)

    def begin(self, now: float) -> None:
        """Count a call that starts."""
        self._under_way += 1
        gap = self.GAP_SECONDS
        if self._cut_at is not None:
            gap = (self._latency or now - self._started_at) / self.allowed
        self._next_at = now + gap

    def end(self) -> None:
        """Count a call that has ended, however."""
        self._under_way -= 1

    def record_latency(self, seconds: float) -> None:
        """Take in how long an answer took."""
        self._latency = seconds if self._latency is None else 0.9 * self._latency + 0.1 * seconds
        self._cuts_in_a_row = 0

    def record_throttle(self, sent_at: float, now: float) -> None:
        """Cut, unless the call was sent before the last cut and says nothing new."""
        if self._cut_at is not None and sent_at < self._cut_at:
            return
        first = self._cut_at is None and self._is_guess
        self.allowed = max(1.0, min(self.allowed, self._under_way) * (self.FIRST_CUT if first else self.CUT))
        self._slope = None if first else self.SLOW_GROWTH * self.allowed
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
    What a call will take of a token quota: what is reserved, or what its answer burns down if that is more.

    Input is a third of the text's bytes, until real usage says better: the conservative figure of AWS's own validators,
    of bytes so that it holds for every script. What is learned is the densest text and the longest answer so far: what
    was taken too much comes back when the call ends, what was taken too little gets another call rejected.
    """

    def __init__(self) -> None:
        self._tokens_per_byte: float | None = None
        self._longest_answer = 0

    def estimate(self, request: ModelRequest) -> float:
        """Return the quota tokens to expect of ``request``."""
        density = 1 / BYTES_PER_TOKEN if self._tokens_per_byte is None else self._tokens_per_byte
        burnt = self._longest_answer * request.model.output_burndown
        return _size(request) * density + max(request.max_tokens, burnt)

    def update(self, request: ModelRequest, completion: Completion) -> None:
        """Take in what a call was really counted as."""
        density = completion.input_tokens / max(1, _size(request))
        self._tokens_per_byte = max(self._tokens_per_byte or 0.0, density)
        self._longest_answer = max(self._longest_answer, completion.output_tokens)


def _size(request: ModelRequest) -> int:
    return len(request.system.encode()) + len(request.user.encode())


Wait = Callable[[threading.Condition, float | None], object]


class RateLimiter:
    """
    Where the calls of a task wait for their turn. Thread-safe; first come, first served.

    :param quota: this task's share.
    :param ceiling: most calls under way at a time.
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
        self._refused: RefusedError | None = None

    def acquire(self, tokens: float) -> float:
        """Wait until a call that reserves ``tokens`` may start, and return the time.

        :raises RefusedError: another call was refused for a reason that holds for this one too.
        """
        with self._queue, self._changed:
            while True:
                if self._refused:
                    raise self._refused
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

    def release(self, sent_at: float, *, unused_tokens: float, error: ServiceError | None = None) -> None:
        """End a call: give back what it reserved and did not use, and take in how it went."""
        with self._changed:
            now = self._clock()
            if self._tokens:
                self._tokens.refund(unused_tokens)
            if isinstance(error, ThrottledError):
                self._concurrency.record_throttle(sent_at, now)
                self._correct(error)
            elif isinstance(error, RefusedError) and not isinstance(error, InvalidRequestError):
                self._refused = error
            elif error is None:
                self._concurrency.record_latency(now - sent_at)
            self._concurrency.end()
            self._changed.notify_all()

    def _correct(self, error: ThrottledError) -> None:
        # Bedrock says "Too many requests" or "Too many tokens".
        emptied = self._tokens if self._tokens and "too many tokens" in str(error).lower() else self._requests
        if emptied:
            emptied.drain()


class PacedClient:
    """
    Ask through another client at the speed of a quota, and ask again what was throttled or failed in passing.

    One for all threads of a task and one model. It alone asks again: the client below must not retry throttled calls
    itself, or the account of the quota would not know of them.

    :param client: what really asks.
    :param quota: this task's share.
    :param concurrency: most calls under way at a time.
    :param patience_seconds: how long one call may be throttled before its error goes on to the caller.
    """

    def __init__(
        self,
        client: ModelClient,
        quota: Quota,
        *,
        concurrency: int,
        patience_seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = threading.Condition.wait,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._limiter = RateLimiter(quota, concurrency, clock=clock, wait=wait)
        self._estimate = TokenEstimator()
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._sleep = sleep

    def with_client(self, client: ModelClient) -> PacedClient:
        """Return what asks through another client and waits in the same queue."""
        other = copy.copy(self)
        other._client = client
        return other

    def ask(self, request: ModelRequest) -> Completion:
        """Wait for the quota, ask, and return the answer.

        :raises ThrottledError: throttled for longer than the patience lasts; nothing was billed.
        :raises TransientError: failed in passing ``ATTEMPTS`` times.
        """
        started_at, failures, throttled = self._clock(), 0, 0
        while True:
            try:
                return self._ask_once(request)
            except ThrottledError as error:
                throttled += 1
                if self._clock() - started_at >= self._patience_seconds:
                    raise _out_of_patience(request, throttled, self._clock() - started_at, error) from error
            except TransientError:
                failures += 1
                if failures == MAX_ATTEMPTS:
                    raise
                self._sleep(random.uniform(0.5, 1.0) * min(2.0**failures, MAX_PAUSE_SECONDS))

    def _ask_once(self, request: ModelRequest) -> Completion:
        reserved = self._estimate.estimate(request)
        sent_at = self._limiter.acquire(reserved)
        try:
            completion = self._client.ask(request)
        except ServiceError as error:
            # An answer that cannot be read was billed all the same; how much it used is not known.
            unused = 0.0 if isinstance(error, ContractError) else reserved
            self._limiter.release(sent_at, unused_tokens=unused, error=error)
            raise
        except BaseException:
            self._limiter.release(sent_at, unused_tokens=0.0)
            raise
        self._estimate.update(request, completion)
        used = completion.input_tokens + completion.output_tokens * request.model.output_burndown
        self._limiter.release(sent_at, unused_tokens=reserved - used)
        return completion


def _out_of_patience(request: ModelRequest, times: int, seconds: float, error: ThrottledError) -> ThrottledError:
    message = (
        f"{request.invoke_id} was throttled {times} times in {seconds:.0f} s for one question: the quota is lower than"
        " stated, or others use it up. Nothing was billed for it; answers that came are stored. Compare `quotas` of the"
        f" use case with the account's quota; clear this task to ask for what is missing. Bedrock: {error}"
    )
    return ThrottledError(message)
