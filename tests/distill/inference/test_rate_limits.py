from __future__ import annotations

import heapq
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.config.catalog import load_catalog
from include.distill.core.errors import ServiceError, ThrottledError, TransientError
from include.distill.inference.rate_limits import AimdLimiter, Quota, RateLimiter, TokenBucket, TokenEstimator
from include.distill.inference.requests import Completion, ModelRequest
from include.distill.text.token_count import conservative_token_count

MODEL = load_catalog().model("claude-haiku-4-5")  # an output token counts five times


def request(text: str = "x" * 300, max_tokens: int = 100) -> ModelRequest:
    return ModelRequest(MODEL, MODEL.inference_id, MODEL.inference_id, text, max_tokens)


class TestQuota:
    def test_a_scaled_quota_is_the_share_of_each_limit(self) -> None:
        part = Quota(requests_per_minute=600, tokens_per_minute=8000).scaled(0.25, starts_full=True)
        assert (part.requests_per_minute, part.tokens_per_minute) == (150, 2000)
        assert Quota().scaled(0.25, starts_full=True).is_stated is False


class TestTokenBucket:
    def test_a_full_bucket_holds_the_burst_less_the_refill_of_one_second(self) -> None:
        bucket = TokenBucket(60, burst=11, now=0)
        for _ in range(10):
            assert bucket.seconds_until(1, now=0) == 0
            bucket.take(1)
        assert bucket.seconds_until(1, now=0) == pytest.approx(1)

    def test_a_call_waits_for_a_whole_token_even_if_the_burst_is_smaller(self) -> None:
        assert TokenBucket(60, burst=0.1, now=0).seconds_until(1, now=0) == pytest.approx(1)

    def test_a_bucket_that_does_not_start_full_refills_at_its_rate(self) -> None:
        bucket = TokenBucket(120, burst=12, now=0, full=False)
        assert bucket.seconds_until(4, now=0) == pytest.approx(2)
        assert bucket.seconds_until(4, now=2) == 0

    def test_a_bucket_never_holds_more_than_its_capacity(self) -> None:
        bucket = TokenBucket(60, burst=11, now=0)
        bucket.refund(100)
        bucket.take(10)
        assert bucket.seconds_until(1, now=0) == pytest.approx(1)

    def test_unused_tokens_are_refunded_and_tokens_beyond_the_reservation_are_charged(self) -> None:
        bucket = TokenBucket(60, burst=11, now=0)
        bucket.take(10)
        bucket.refund(3)
        assert bucket.seconds_until(3, now=0) == 0
        bucket.refund(-2)
        assert bucket.seconds_until(3, now=0) == pytest.approx(2)

    def test_a_drained_bucket_is_empty_and_keeps_its_debt(self) -> None:
        bucket = TokenBucket(60, burst=11, now=0)
        bucket.drain()
        assert bucket.seconds_until(1, now=0) == pytest.approx(1)
        bucket.take(5)
        bucket.drain()
        assert bucket.seconds_until(1, now=0) == pytest.approx(6)

    def test_a_call_larger_than_the_bucket_waits_for_a_full_bucket_and_leaves_the_bucket_in_debt(self) -> None:
        bucket = TokenBucket(60, burst=11, now=0)
        assert bucket.seconds_until(25, now=0) == 0
        bucket.take(25)
        assert bucket.seconds_until(1, now=0) == pytest.approx(16)
        assert bucket.seconds_until(1, now=16) == 0

    @given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 4)), max_size=40), st.floats(0, 0.45))
    def test_a_service_with_the_same_quota_never_rejects_a_call_even_if_the_first_calls_arrive_late(
        self, steps: list[tuple[float, int]], late: float
    ) -> None:
        ours, theirs, filled_at, now = TokenBucket(120, burst=12, now=0), 12.0, 0.0, 0.0
        for pause, calls in steps:
            now += pause
            for _ in range(calls):
                now += ours.seconds_until(1, now)
                ours.take(1)
                arrives = max(filled_at, now + (late if filled_at == 0 else 0))
                theirs = min(12.0, theirs + (arrives - filled_at) * 2)
                filled_at = arrives
                assert theirs >= 1 - 1e-6
                theirs -= 1


class TestTokenEstimator:
    def test_a_request_is_estimated_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        texts: list[str] = []
        monkeypatch.setattr(
            "include.distill.inference.requests.token_counts", lambda text: (texts.append(text), (7, 9))[1]
        )
        estimate, sent = TokenEstimator(), request()
        assert estimate.estimate(sent) == 9 + 100
        estimate.update(sent, Completion("text", "end_turn", 14, 10))
        assert estimate.estimate(sent) == 2 * 7 + 100
        assert len(texts) == 1

    def test_the_input_estimate_is_conservative_and_later_uses_the_highest_ratio_so_far(self) -> None:
        estimate = TokenEstimator()
        text = "Die Fernwärmeversorgung wird umgestellt. これは日本語の文です。"
        assert estimate.estimate(request(text)) == conservative_token_count(text) + 100
        for tokens in (75, 60):
            estimate.update(request(), Completion("text", "end_turn", tokens, 10))
        assert estimate.estimate(request()) == pytest.approx(75 + 100)

    def test_the_estimate_covers_answers_that_count_for_more_than_max_tokens(self) -> None:
        estimate = TokenEstimator()
        for written in (30, 20):
            estimate.update(request(), Completion("text", "end_turn", 75, written))
        assert estimate.estimate(request()) == pytest.approx(75 + 5 * 30)


def simulate(*, per_minute: float, burst: float, documents: int, ceiling: int, latency: float) -> tuple[float, float]:
    """Simulate calls to a service of unknown quota. Return actual time / ideal time and the rejected share."""
    pace, now, rate = AimdLimiter(ceiling, 0.0), 0.0, per_minute / 60
    level, filled_at, unsent, done, rejected = burst, 0.0, documents, 0, 0
    in_flight: list[tuple[float, bool, float]] = []
    while done < documents:
        wait = pace.seconds_to_wait(now) if unsent else float("inf")
        if wait == 0:
            level, filled_at = min(burst, level + (now - filled_at) * rate), now
            pace.begin(now)
            unsent -= 1
            served = level >= 1
            level -= served
            heapq.heappush(in_flight, (now + (latency if served else 0.03), served, now))
        elif in_flight and in_flight[0][0] <= now + wait:
            now, served, sent_at = heapq.heappop(in_flight)
            if served:
                pace.record_latency(now - sent_at)
                done += 1
            else:
                pace.record_throttle(sent_at, now)
                unsent, rejected = unsent + 1, rejected + 1
            pace.end()
        else:
            now += wait
    return now / ((documents - burst) / rate + latency), rejected / (documents + rejected)


class TestAimdLimiter:
    @staticmethod
    def throttled_at(now: float, *, in_flight: int = 100, is_guess: bool = True) -> AimdLimiter:
        limiter = AimdLimiter(100, 0.0, is_guess=is_guess)
        for _ in range(in_flight):
            limiter.begin(0.0)
        limiter.record_throttle(sent_at=0.0, now=now)
        return limiter

    def test_the_first_cut_leaves_a_tenth_of_the_calls_in_flight_if_no_quota_is_stated(self) -> None:
        assert self.throttled_at(1.0).allowed == 10
        assert self.throttled_at(1.0, in_flight=50).allowed == 5
        assert self.throttled_at(1.0, is_guess=False).allowed == 60

    def test_the_limit_grows_by_half_per_second_until_the_second_cut_and_by_a_twentieth_after_it(self) -> None:
        limiter = self.throttled_at(1.0)
        limiter.seconds_to_wait(3.0)
        assert limiter.allowed == pytest.approx(10 * 1.5**2)
        limiter.record_throttle(sent_at=2.0, now=3.0)
        after_cut = limiter.allowed
        assert after_cut == pytest.approx(0.6 * 22.5)
        limiter.seconds_to_wait(5.0)
        assert limiter.allowed == pytest.approx(after_cut * (1 + 2 * 0.05))

    def test_the_pause_doubles_with_each_throttled_call_until_a_call_is_answered(self) -> None:
        limiter = AimdLimiter(100, 0.0)
        pauses = []
        for second in (10, 20, 30):
            limiter.record_throttle(sent_at=second, now=second)
            pauses.append(limiter.seconds_to_wait(second))
        limiter.record_latency(1.0)
        limiter.record_throttle(sent_at=40, now=40)
        assert [*pauses, limiter.seconds_to_wait(40)] == pytest.approx([0.5, 1, 2, 0.5])

    def test_calls_after_a_cut_are_spread_over_the_duration_of_a_call(self) -> None:
        limiter = self.throttled_at(1.0)
        for _ in range(100):
            limiter.end()
        limiter.record_latency(2.0)
        limiter.begin(2.0)
        assert limiter.seconds_to_wait(2.0) == pytest.approx(2.0 / 10)

    @pytest.mark.parametrize(
        ("service", "maximum_rejected"),
        [
            pytest.param({"per_minute": 600, "burst": 60, "ceiling": 50, "latency": 1}, 0.05, id="usual"),
            pytest.param(
                {"per_minute": 600, "burst": 60, "ceiling": 200, "latency": 1}, 0.08, id="ceiling far too high"
            ),
            pytest.param({"per_minute": 600, "burst": 60, "ceiling": 50, "latency": 4}, 0.05, id="slow answers"),
            pytest.param({"per_minute": 600, "burst": 400, "ceiling": 50, "latency": 1}, 0.05, id="large burst"),
        ],
    )
    def test_the_limiter_finds_the_rate_of_a_service_with_few_rejections(
        self, service: dict[str, Any], maximum_rejected: float
    ) -> None:
        ratio, rejected = simulate(documents=500, **service)
        assert ratio <= 1.10
        assert rejected <= maximum_rejected

    def test_all_calls_start_at_once_until_a_call_is_throttled(self) -> None:
        pace, now = AimdLimiter(50, 0.0), 0.0
        for _ in range(50):
            now += pace.seconds_to_wait(now)
            pace.begin(now)
        assert now < 0.1
        assert pace.seconds_to_wait(now) == float("inf")

    def test_a_throttled_call_that_was_sent_before_a_cut_does_not_cut_the_limit_again(self) -> None:
        pace = AimdLimiter(50, 0.0)
        for _ in range(50):
            pace.begin(0.0)
        for _ in range(10):
            pace.record_throttle(sent_at=0.0, now=1.0)
        assert pace.allowed == 5
        pace.record_throttle(sent_at=1.0, now=1.0)
        assert pace.allowed == 3

    def test_the_limit_stays_between_one_call_and_the_ceiling(self) -> None:
        pace = AimdLimiter(2, 0.0)
        for second in range(1, 20):
            pace.begin(second)
            pace.record_throttle(second, second)
            pace.end()
        assert pace.allowed == 1
        pace.seconds_to_wait(10_000.0)
        assert pace.allowed == 2


class TestFailuresOfEveryRequest:
    def limiter(self, clock: list[float]) -> RateLimiter:
        return RateLimiter(Quota(), 4, clock=lambda: clock[0], wait=lambda _, __: None)

    @pytest.mark.parametrize("error", [ThrottledError("slow"), TransientError("500")])
    @pytest.mark.parametrize(("now", "stops"), [(39.999, False), (40.0, True)])
    def test_the_patience_counts_from_the_first_failure_and_ends_exactly_when_its_seconds_have_passed(
        self, now: float, stops: bool, error: ServiceError
    ) -> None:
        clock = [10.0]
        limiter = self.limiter(clock)
        for key, failed_at in (("one", 10.0), ("other", 25.0), ("one", 26.0)):
            clock[0] = failed_at
            limiter.record_error(key, failed_at, error, unused_tokens=0)
        clock[0] = now
        assert limiter.fails_for_every_request(30) is stops

    def test_a_single_failing_request_never_stops_the_others(self) -> None:
        clock = [0.0]
        limiter = self.limiter(clock)
        limiter.record_error("one", 0, TransientError("500"), unused_tokens=0)
        clock[0] = 1e6
        assert not limiter.fails_for_every_request(30)
