"""Test the range in which a measure lies if nothing has changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from include.distill.drift.limits import FalseAlarms, find_limits
from include.distill.drift.measures import Observation

ALARMS = FalseAlarms(low=0.005, high=0.001)


def observation(value: float, *, size: int = 100, floor: float = 1e-6) -> Observation:
    return Observation(value, value, size, floor, lambda scaled: scaled)


def test_the_limits_are_those_of_a_prediction_interval_if_the_nights_vary_more_than_the_floor() -> None:
    limits = find_limits([observation(value) for value in (1, 2, 3, 4, 5, 6, 7)], observation(4), ALARMS)
    assert limits
    error = (28 / 6 * (1 + 1 / 7)) ** 0.5
    assert limits.expected == 4
    assert limits.low == pytest.approx(4 - t.isf(0.005, 6) * error)
    assert limits.high == pytest.approx(4 + t.isf(0.001, 6) * error)
    assert limits.nights == 7


def test_identical_nights_count_as_one_and_the_floor_gives_the_limits() -> None:
    """A quiet month must not make the next tiny change an alarm."""
    limits = find_limits([observation(4)] * 28, observation(4, floor=0.01), ALARMS)
    assert limits
    assert limits.low == pytest.approx(4 - norm.isf(0.005) * (0.01 * 2) ** 0.5)
    assert limits.nights == 28


def test_equal_nights_that_are_not_in_a_row_count_separately() -> None:
    alternating = find_limits([observation(4 + day % 2) for day in range(28)], observation(4), ALARMS)
    in_two_blocks = find_limits([observation(4 + day // 14) for day in range(28)], observation(4), ALARMS)
    assert alternating
    assert in_two_blocks
    assert in_two_blocks.low < alternating.low


@pytest.mark.parametrize(("nights", "known"), [(6, False), (7, True)])
def test_seven_nights_are_needed(nights: int, known: bool) -> None:
    assert (find_limits([observation(4)] * nights, observation(4), ALARMS) is not None) is known


def test_only_the_last_28_nights_are_used() -> None:
    limits = find_limits([observation(100)] * 10 + [observation(day) for day in range(28)], observation(4), ALARMS)
    assert limits
    assert limits.nights == 28
    assert limits.expected == pytest.approx(13.5)


def test_nights_with_a_much_smaller_sample_are_left_out() -> None:
    nights = [observation(day) for day in range(7)] + [observation(1000, size=24)]
    limits = find_limits(nights, observation(4), ALARMS)
    assert limits
    assert limits.nights == 7
    assert find_limits(nights[1:], observation(4), ALARMS) is None


def test_the_spread_of_larger_nights_is_scaled_up_for_a_small_night() -> None:
    nights = [observation(value, size=400) for value in (1, 2, 3, 4, 5, 6, 7)]
    small, large = find_limits(nights, observation(4), ALARMS), find_limits(nights, observation(4, size=400), ALARMS)
    assert small
    assert large
    assert 4 - small.low == pytest.approx(2 * (4 - large.low))


@given(values=st.lists(st.floats(-10, 10), min_size=7, max_size=40), floor=st.floats(1e-6, 1.0))
def test_the_limits_are_never_closer_than_the_floor(values: list[float], floor: float) -> None:
    limits = find_limits([observation(value) for value in values], observation(0, floor=floor), ALARMS)
    assert limits
    assert limits.expected - limits.low >= norm.isf(0.005) * floor**0.5
    assert limits.high - limits.expected >= norm.isf(0.001) * floor**0.5
