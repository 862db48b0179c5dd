"""
How far a share can be trusted when questions come in groups of one document.

Questions about one document are not independent: counted as if they were, an interval is too narrow. The interval
here takes the share's variance from the document groups, asks how many independent questions would have it (the
effective sample size), and gives Wilson's score interval for that many, with Student's t for the number of groups.
Unlike a symmetric interval it stays within 0 and 1 and holds its level near them, and unlike a bootstrap it needs
no random numbers.

Where it holds what it promises is measured in ``tests/distill/stats/test_interval_coverage.py`` and stated in
``docs/explanation/statistics.md``, with the sources of the method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

Interval = tuple[float, float]
CONFIDENCE = 0.95


def wilson_interval(wins: int, decided: int, *, confidence: float = CONFIDENCE) -> Interval | None:
    """Return Wilson's score interval of a share of independent questions; ``None`` for a share of nothing."""
    if decided == 0:
        return None
    share = wins / decided
    low, high = _score_interval(share, decided, NormalDist().inv_cdf((1 + confidence) / 2))
    return float(low), float(high)


def _score_interval(share: Any, effective: Any, quantile: Any) -> tuple[Any, Any]:
    """Return the bounds of Wilson's interval, for numbers or arrays of them."""
    squared = quantile * quantile
    scale = 1 + squared / effective
    centre = (share + squared / (2 * effective)) / scale
    spread = (share * (1 - share) / effective + squared / (4 * effective * effective)) ** 0.5
    margin = quantile / scale * spread
    # At 0 and 1 the formula touches the share; rounding must not push the bound to its other side.
    return _clip(centre - margin, 0, share), _clip(centre + margin, share, 1)


def _clip(value: Any, low: Any, high: Any) -> Any:
    import numpy as np

    return np.minimum(np.maximum(value, low), high)


@dataclass(frozen=True)
class ClusteredShare:
    """
    A share over groups, with what its uncertainty rests on. Fields are arrays over all but the last axis given.

    :param variance: of ``share``, from the differences between groups.
    :param effective: independent questions that would have this variance.
    :param degrees: degrees of freedom: groups less one, fewer when groups differ in size.
    """

    share: Floats
    variance: Floats
    effective: Floats
    degrees: Floats

    def interval(self, confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
        """Return lower and upper bounds; each alone is a one-sided bound of half the error."""
        from scipy.stats import t

        return _score_interval(self.share, self.effective, t.ppf((1 + confidence) / 2, self.degrees))


def clustered_share(parts: Floats, sizes: Floats) -> ClusteredShare:
    """
    Return the share ``sum(parts) / sum(sizes)`` over the last axis, whose entries are groups.

    The variance is the linearised one of a ratio, each group's residual raised by its leverage, for a group that
    holds much of the data pulls the share towards itself. Groups of size 0 count for nothing. Without any variance
    between groups nothing tells questions of a group from independent ones, and each group counts as one question.

    :param parts: per group, the sum of its scores; each score in [0, 1].
    :param sizes: per group, how many questions were scored; at least two groups must have some.
    """
    import numpy as np

    total = sizes.sum(axis=-1)
    share = parts.sum(axis=-1) / total
    residuals = parts - share[..., None] * sizes
    leverage = sizes / total[..., None]
    variance = (residuals**2 / (1 - leverage)).sum(axis=-1) / total**2
    groups = (sizes > 0).sum(axis=-1)
    some = variance > 1e-15
    effective = np.where(some, share * (1 - share) / np.where(some, variance, 1), groups)
    degrees = np.maximum(total**2 / (sizes**2).sum(axis=-1) - 1, 1)
    return ClusteredShare(share, variance, effective, degrees)


def clustered_interval(parts: Floats, sizes: Floats, *, confidence: float = CONFIDENCE) -> Interval | None:
    """Return the interval of one share: all there is for one group, which shows no difference; ``None`` for none."""
    groups = int((sizes > 0).sum())
    if groups < 2:
        return (0.0, 1.0) if groups else None
    low, high = clustered_share(parts, sizes).interval(confidence)
    return float(low), float(high)


def design_effect(parts: Floats, sizes: Floats, squares: float) -> float:
    """
    Return how many times larger the variance is than that of as many independent questions; 1 where unknown.

    :param squares: sum of the squared scores, from which the variance of independent questions follows.
    """
    total = float(sizes.sum())
    if int((sizes > 0).sum()) < 2:
        return 1.0
    clustered = clustered_share(parts, sizes)
    independent = (squares / total - float(clustered.share) ** 2) / total
    ratio = float(clustered.variance) / independent if independent > 1e-15 else 1.0
    return ratio if math.isfinite(ratio) else 1.0
