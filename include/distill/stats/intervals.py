"""
Compute confidence intervals for a share of questions, such as a win rate, when questions are grouped by document.

Questions about one document are not independent, so an interval that treats the questions as independent is too narrow.
The method has three steps. It estimates the variance of the share from the document groups. It computes the number of
independent questions that would have this variance (the effective sample size). It then computes Wilson's score
interval for this number, with a quantile of Student's t distribution. The degrees of freedom depend on the number and
the sizes of the groups. Unlike a symmetric interval, this interval stays between 0 and 1 and keeps its coverage near 0
and 1. Unlike a bootstrap, the method needs no random numbers.

The method is implemented here, because scipy and statsmodels compute Wilson's interval only for independent trials.

``tests/distill/stats/test_interval_coverage.py`` measures the coverage of the interval.
``docs/explanation/statistics.md`` has the results and the sources of the method.
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
# A smaller variance counts as zero, because it is only a rounding error.
_NO_VARIANCE = 1e-15


def wilson_interval(wins: int, decided: int, *, confidence: float = CONFIDENCE) -> Interval | None:
    """
    Compute Wilson's score interval for a share of independent questions.

    scipy's ``binomtest(...).proportion_ci("wilson")`` gives the same bounds, but takes only integer sample sizes. The
    formula is implemented here, because :meth:`ClusteredShare.interval` also needs it for fractional sample sizes.

    :return: the bounds, from 0 to 1; ``None`` if ``decided`` is 0.
    """
    if decided == 0:
        return None
    low, high = _score_interval(wins / decided, float(decided), NormalDist().inv_cdf((1 + confidence) / 2))
    return float(low), float(high)


def _score_interval(share: FloatsT, effective: FloatsT, quantile: FloatsT) -> tuple[FloatsT, FloatsT]:
    """Compute the bounds of Wilson's interval, for numbers or arrays."""
    import numpy as np

    squared = quantile * quantile
    scale = 1 + squared / effective
    center = (share + squared / (2 * effective)) / scale
    spread = (share * (1 - share) / effective + squared / (4 * effective * effective)) ** 0.5
    margin = quantile / scale * spread
    # For a share of 0 or 1, one bound equals the share. Clipping keeps a rounding error from moving the bound.
    return np.clip(center - margin, 0, share), np.clip(center + margin, share, 1)


@dataclass(frozen=True)
class ClusteredShare:
    """
    One or more shares of questions, with the quantities that determine the uncertainty of each share.

    The questions are in document groups, and the questions of one group are not independent.
    Each field is an array with one entry per share. Its shape is the shape of the arguments of :func:`clustered_share`
    without the last axis, which is the axis of the groups.

    :param variance: variance of ``share``, estimated from the differences between groups.
    :param effective: number of independent questions that would have this variance.
    :param degrees: degrees of freedom: number of groups minus one, or less if groups differ in size.
    """

    share: Floats
    variance: Floats
    effective: Floats
    degrees: Floats

    def interval(self, confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
        """
        Compute the lower and upper bounds of the confidence interval.

        Each bound can also be used alone, as a one-sided bound. Its error probability is then half that of the
        interval: 2.5 % for a 95 % interval.
        """
        from scipy.stats import t

        return _score_interval(self.share, self.effective, t.ppf((1 + confidence) / 2, self.degrees))


def clustered_share(parts: Floats, sizes: Floats) -> ClusteredShare:
    """
    Compute the share ``sum(parts) / sum(sizes)`` over the last axis, the axis of the groups.

    The variance is the linearized variance of a ratio. Each group's residual is increased according to the group's
    leverage, because a group that holds much of the data pulls the share towards its own share. Groups of size 0 are
    ignored. If all groups have the same share, the data does not show how much the questions of one group depend on
    each other. Each group then counts as one question.

    :param parts: sum of the scores of each group; each score is from 0 to 1.
    :param sizes: number of scored questions of each group; at least two groups must have scored questions.
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
    Compute the interval of one share. The parameters are those of :func:`clustered_share`.

    :return: (0, 1) if there is a single group, because it shows nothing about other groups; ``None`` if there are no
        scored questions.
    """
    groups = int((sizes > 0).sum())
    if groups < 2:
        return (0.0, 1.0) if groups else None
    low, high = clustered_share(parts, sizes).interval(confidence)
    return float(low), float(high)


def design_effect(parts: Floats, sizes: Floats, squares: float) -> float:
    """
    Compute the factor by which document groups increase the variance of a share.

    The factor is the variance of the share divided by the variance for the same number of independent questions.

    :param squares: sum of the squared scores, which determines the variance of independent questions.
    :return: the factor; 1 if there are fewer than two groups, or if the scores do not vary.
    """
    total = float(sizes.sum())
    if int((sizes > 0).sum()) < 2:
        return 1.0
    clustered = clustered_share(parts, sizes)
    independent = (squares / total - float(clustered.share) ** 2) / total
    ratio = float(clustered.variance) / independent if independent > _NO_VARIANCE else 1.0
    return ratio if math.isfinite(ratio) else 1.0
