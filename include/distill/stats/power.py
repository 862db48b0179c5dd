"""How small a difference a comparison of this size can find."""

from __future__ import annotations

from statistics import NormalDist

TARGET_POWER = 0.8


def minimum_detectable_difference(
    questions: int, *, decided_share: float, design_effect: float = 1.0, degrees: float, confidence: float = 0.95
) -> float | None:
    """
    Return how far from one half the half-win rate must truly be to be found four times out of five.

    Found means: the 95 % interval leaves out one half, before any correction for several comparisons. A normal
    approximation with the variance of "no difference": a question then scores 0 or 1 with equal chance, or 1/2.

    :param decided_share: of the questions; ties carry no variance, so fewer decided questions are a smaller effect.
    :param degrees: degrees of freedom of the interval.
    :return: ``None`` when nothing was decided.
    """
    from scipy.stats import t

    if questions == 0 or decided_share == 0:
        return None
    error = (decided_share / 4 * design_effect / questions) ** 0.5
    quantiles = float(t.ppf((1 + confidence) / 2, degrees)) + NormalDist().inv_cdf(TARGET_POWER)
    return float(min(0.5, quantiles * error))
