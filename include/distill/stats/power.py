"""Compute the smallest difference that a comparison of a given size can detect."""

from __future__ import annotations

from statistics import NormalDist

from include.distill.stats.intervals import CONFIDENCE

TARGET_POWER = 0.8


def minimum_detectable_difference(
    questions: int, *, decided_share: float, design_effect: float = 1.0, degrees: float, confidence: float = CONFIDENCE
) -> float | None:
    """
    Compute how far the true half-win rate must be from one half to be detected with a probability of 80 %.

    The half-win rate is the mean score of the questions, with 1 for a win, 1/2 for a tie and 0 for a loss.
    "Detected" means that the 95 % interval excludes one half, before any correction for multiple comparisons. The
    result is a normal approximation. Its variance assumes that there is no difference, so a decided question scores 0
    or 1 with equal probability.

    :param questions: number of questions with a parsed verdict.
    :param decided_share: share of these questions that were decided, from 0 to 1. A tie scores 1/2 and adds no
        variance, so fewer decided questions mean a smaller detectable difference.
    :param design_effect: factor by which document groups increase the variance.
    :param degrees: degrees of freedom of the interval.
    :return: at most 0.5; ``None`` if no question was decided.
    """
    from scipy.stats import t

    if questions == 0 or decided_share == 0:
        return None
    error = (decided_share / 4 * design_effect / questions) ** 0.5
    quantiles = float(t.ppf((1 + confidence) / 2, degrees)) + NormalDist().inv_cdf(TARGET_POWER)
    return float(min(0.5, quantiles * error))
