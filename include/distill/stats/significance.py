"""Whether a difference could be chance: the sign test on document groups, corrected for the number of questions put."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def sign_test(wins: int, losses: int) -> float:
    """Return the exact two-sided p value of "both win equally often"; 1 when nothing was decided."""
    decided = wins + losses
    tail = sum(math.comb(decided, k) for k in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / (1 << decided))


def clustered_sign_test(nets: Iterable[float]) -> float:
    """
    Return the sign test's p value with one sign per document group.

    :param nets: per group, wins less losses. A group that is even says nothing, as a tie does.
    """
    signs = [float(net) for net in nets]  # numpy's integers overflow where Python's do not
    return sign_test(sum(net > 0 for net in signs), sum(net < 0 for net in signs))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's step-down adjusted p values, in the order given."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted
