"""Compute the range in which a measure of a run lies if nothing but chance has changed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

from include.distill.drift.measures import Observation
from include.distill.drift.nights import FEWEST_NIGHTS, MOST_NIGHTS

# Few different nights show little of the spread between nights. The floor then matters more than Student's quantile,
# which would be so large that no change could be found.
_FEWEST_DEGREES = FEWEST_NIGHTS - 1
# A night with a much smaller sample than the current one says little about the current one.
_SMALLEST_SIZE = 0.25


class FalseAlarms(NamedTuple):
    """The probability that a quiet night is flagged as too low, and as too high."""

    low: float
    high: float


class Limits(NamedTuple):
    """The expected value of a measure, and the smallest and the largest value that is not flagged."""

    expected: float
    low: float
    high: float
    nights: int


def find_limits(nights: Sequence[Observation], current: Observation, alarms: FalseAlarms) -> Limits | None:
    """
    Compute the limits of a measure from the nights before.

    There are two ranges, and the wider one applies. The first is a prediction interval of Student's t distribution for
    the spread of the nights. The second is the range of chance if the spread were as small as the floor. Several nights
    in a row with exactly the same figures count as one, because stored answers were read again and chance had no part
    in the later ones.

    :param nights: the measure on the comparable nights, oldest first.
    :return: ``None`` if there are fewer than :data:`FEWEST_NIGHTS` nights with a large enough sample.
    """
    similar = [night for night in nights if night.size >= _SMALLEST_SIZE * current.size][-MOST_NIGHTS:]
    if len(similar) < FEWEST_NIGHTS:
        return None
    draws = [next(same) for _, same in itertools.groupby(similar, key=lambda night: (night.scaled, night.size))]
    mean = sum(draw.scaled for draw in draws) / len(draws)
    # A larger night varies less than the current one, so its deviation is scaled up.
    squares = sum((draw.scaled - mean) ** 2 * max(1.0, draw.size / current.size) for draw in draws)
    degrees = max(len(draws) - 1, _FEWEST_DEGREES)
    spread = math.sqrt(squares / max(len(draws) - 1, 1) * (1 + 1 / len(draws)))
    floor = math.sqrt(current.floor * (1 + 1 / len(draws)))

    def reach(probability: float) -> float:
        return max(_student_quantile(probability, degrees) * spread, _normal_quantile(probability) * floor)

    return Limits(
        expected=current.unscaled(mean),
        low=current.unscaled(mean - reach(alarms.low)),
        high=current.unscaled(mean + reach(alarms.high)),
        nights=len(similar),
    )


@lru_cache(maxsize=1024)
def _student_quantile(probability: float, degrees: int) -> float:
    """Return the number that Student's t distribution exceeds with a probability."""
    from scipy.stats import t

    return float(t.isf(probability, degrees))


@lru_cache(maxsize=1024)
def _normal_quantile(probability: float) -> float:
    return NormalDist().inv_cdf(1 - probability)
