"""
Test whether a difference could be due to chance: a sign test over document groups, with Holm's correction.

The sign test is scipy's exact binomial test. Holm's correction is implemented here, because scipy does not have it, and
statsmodels would be a dependency for six lines of code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def sign_test(wins: int, losses: int) -> float:
    """
    Compute the exact two-sided p value for the hypothesis that both sides win equally often.

    :param wins: number of questions or document groups won. Ties count neither as wins nor as losses.
    :return: the p value, from 0 to 1; it is 1 if there are no wins and no losses.
    """
    from scipy.stats import binomtest

    if wins + losses == 0:
        return 1.0  # binomtest refuses zero trials
    return float(binomtest(wins, wins + losses).pvalue)


def clustered_sign_test(nets: Iterable[float]) -> float:
    """
    Compute the p value of a sign test over document groups. Each group counts once, however many questions it has.

    :param nets: wins minus losses of each group. A group with a net of 0 counts as a tie.
    """
    # Questions about one document are not independent, so counting each question would overstate the evidence.
    signs = [(net > 0) - (net < 0) for net in map(float, nets)]
    return sign_test(signs.count(1), signs.count(-1))


def holm(p_values: Sequence[float]) -> list[float]:
    """
    Adjust p values with Holm's step-down method; return them in the given order.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        # An adjusted value is never smaller than the adjusted value of a smaller p value.
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted
