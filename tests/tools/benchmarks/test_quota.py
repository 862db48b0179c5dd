"""The ideal time and the admission of calls follow Bedrock's quotas exactly."""

from __future__ import annotations

import math

import pytest

from tools.benchmarks.quota import Admission, Quota, Work, ideal_seconds

CALL = {"input_tokens": 100, "max_tokens": 400}


@pytest.mark.parametrize(
    ("work", "quota", "seconds"),
    [
        pytest.param(Work(500, 50, 1.0), Quota(), 10.0, id="ten rounds of fifty"),
        pytest.param(Work(500, 200, 1.0), Quota(), 3.0, id="two and a half rounds are three"),
        pytest.param(Work(500, 50, 1.0), Quota(600, burst=60), 45.0, id="sixty at once, then ten a second"),
        pytest.param(Work(200, 50, 1.0), Quota(120, burst=12), 95.0, id="twelve at once, then two a second"),
        pytest.param(Work(10, 1, 1.0), Quota(6000), 10.0, id="one at a time"),
        # The bucket holds 1,000 tokens. Each call reserves 500 and uses 150 + 100: two start at once, the rest later.
        pytest.param(Work(4, 50, 1.0, 100, 400, 150), Quota(tokens_per_minute=1000), 16.0, id="reserved tokens bind"),
    ],
)
def test_the_ideal_time_starts_each_call_as_soon_as_the_quota_allows_it(
    work: Work, quota: Quota, seconds: float
) -> None:
    assert ideal_seconds(work, quota) == pytest.approx(seconds)


def test_reserved_tokens_that_were_not_used_return_at_the_burndown_rate() -> None:
    admission = Admission(Quota(tokens_per_minute=1000, burndown=5))
    assert admission.admit(**CALL, now=0.0)
    assert admission.admit(**CALL, now=0.0)
    assert not admission.admit(**CALL, now=0.0)
    admission.settle(400, output_tokens=20)  # used 100 of 400: 300 return
    assert not admission.admit(**CALL, now=0.0)
    assert admission.seconds_until(**CALL, now=0.0) == pytest.approx(12.0)
    assert admission.admit(**CALL, now=12.0)


def test_a_call_larger_than_the_bucket_never_fits() -> None:
    assert math.isinf(Admission(Quota(tokens_per_minute=100)).seconds_until(**CALL, now=0.0))


def test_a_rejected_call_takes_nothing() -> None:
    admission = Admission(Quota(60, burst=1, tokens_per_minute=1000))
    assert admission.admit(**CALL, now=0.0)
    assert not admission.admit(**CALL, now=0.5)  # there are tokens, but no request is left
    assert admission.admit(**CALL, now=1.0)
