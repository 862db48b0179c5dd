"""
Compute confidence intervals of a share whose questions are grouped by document.

Questions about one document are not independent, so an interval that counts them as independent is too narrow. The
interval here estimates the variance of the share from the document groups, asks how many independent questions would
have that variance (the effective sample size), and computes Wilson's score interval for that many, with Student's t for
the number of groups. Unlike a symmetric interval it stays within 0 and 1 and keeps its level near them. Unlike a
bootstrap it needs no random numbers.

It is written here because scipy and statsmodels compute Wilson's interval for independent questions only.

``tests/distill/stats/test_interval_coverage.py`` measures where the interval keeps its level.
``docs/explanation/statistics.md`` states the results and the sources of the method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    FloatsT = TypeVar("FloatsT", float, Floats)

Interval = tuple[float, float]
CONFIDENCE = 0.95
# Variances below it are rounding errors of zero.
_NO_VARIANCE = 1e-15


def wilson_interval(wins: int, decided: int, *, confidence: float = CONFIDENCE) -> Interval | None:
    """
    Return Wilson's score interval of a share of independent questions.

    scipy's ``binomtest(...).proportion_ci("wilson")`` gives the same bounds; the formula is shared with
    :meth:`ClusteredShare.interval`, which needs it for fractional sample sizes, and scipy takes whole ones only.

    :return: the bounds, from 0 to 1; ``None`` when ``decided`` is 0.
    """
    if decided == 0:
        return None
    low, high = _score_interval(wins / decided, float(decided), NormalDist().inv_cdf((1 + confidence) / 2))
    return float(low), float(high)


def _score_interval(share: FloatsT, effective: FloatsT, quantile: FloatsT) -> tuple[FloatsT, FloatsT]:
    """Return the bounds of Wilson's interval, for numbers or for arrays of them."""
    import numpy as np

    squared = quantile * quantile
    scale = 1 + squared / effective
    center = (share + squared / (2 * effective)) / scale
    spread = (share * (1 - share) / effective + squared / (4 * effective * effective)) ** 0.5
    margin = quantile / scale * spread
    # At 0 and 1 the formula touches the share. Clipping keeps a rounding error from pushing a bound past it.
    return np.clip(center - margin, 0, share), np.clip(center + margin, share, 1)


@dataclass(frozen=True)
class ClusteredShare:
    """
    A share over groups, with what its uncertainty is computed from.

    Each field is an array with one entry per share: the input's shape without its last axis, which holds the groups.

    :param variance: of ``share``, estimated from the differences between groups.
    :param effective: number of independent questions that would have this variance.
    :param degrees: degrees of freedom: number of groups minus one, fewer when groups differ in size.
    """

    share: Floats
    variance: Floats
    effective: Floats
    degrees: Floats

    def interval(self, confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
        """Return the lower and upper bounds. Each bound alone is a one-sided bound with half the error."""
        from scipy.stats import t

        return _score_interval(self.share, self.effective, t.ppf((1 + confidence) / 2, self.degrees))


def clustered_share(parts: Floats, sizes: Floats) -> ClusteredShare:
    """
    Return the share ``sum(parts) / sum(sizes)`` over the last axis, whose entries are groups.

    The variance is the linearized variance of a ratio. Each group's residual is raised by its leverage, because a group
    that holds much of the data pulls the share towards itself. Groups of size 0 are ignored. Without any variance
    between groups, questions of one group cannot be told from independent ones; each group then counts as one question.

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
    varies = variance > _NO_VARIANCE
    effective = np.where(varies, share * (1 - share) / np.where(varies, variance, 1), groups)
    degrees = np.maximum(total**2 / (sizes**2).sum(axis=-1) - 1, 1)
    return ClusteredShare(share, variance, effective, degrees)


def clustered_interval(parts: Floats, sizes: Floats, *, confidence: float = CONFIDENCE) -> Interval | None:
    """
    Return the interval of one share; parameters as in :func:`clustered_share`.

    :return: (0, 1) for a single group, which says nothing about the others; ``None`` without a scored question.
    """
    groups = int((sizes > 0).sum())
    if groups < 2:
        return (0.0, 1.0) if groups else None
    low, high = clustered_share(parts, sizes).interval(confidence)
    return float(low), float(high)


def design_effect(parts: Floats, sizes: Floats, squares: float) -> float:
    """
    Return how many times larger the variance is than that of as many independent questions.

    :param squares: sum of the squared scores, from which the variance of independent questions follows.
    :return: 1 with fewer than two groups, or when the scores do not vary.
    """
    total = float(sizes.sum())
    if int((sizes > 0).sum()) < 2:
        return 1.0
    clustered = clustered_share(parts, sizes)
    independent = (squares / total - float(clustered.share) ** 2) / total
    ratio = float(clustered.variance) / independent if independent > _NO_VARIANCE else 1.0
    return ratio if math.isfinite(ratio) else 1.0
