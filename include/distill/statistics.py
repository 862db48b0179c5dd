"""
How sure a comparison of two arms is: preference, intervals, tests.

Three figures, each with its own denominator:

* ``preference``: wins of the decided questions (the article's figure), with Wilson's interval;
* ``half_win_rate``: mean over the questions with a parsed verdict of 1 (win), 1/2 (tie), 0 (loss). Unparsable
  questions are in no mean, only in their count. Its interval resamples whole document groups, because
  questions about one document are not independent;
* ``p_value``: exact two-sided sign test on the decided questions; ``p_value_holm``: the same with Holm's
  correction over all comparisons of a report.

Nothing here is random but the resampling, which is seeded.
"""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

from include.distill.errors import ReconciliationError
from include.distill.judging import resolve, tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from include.distill.judging import Outcome, Resolved

Finding = Literal["candidate", "baseline", "unclear", "too_few"]
Interval = tuple[float, float]

RESAMPLES = 4000
SIGNIFICANCE = 0.05
# Choices: with fewer questions an exact test can hardly reach significance, with fewer groups a percentile
# interval is too narrow. A report below them gives its figures and no verdict.
MINIMUM_QUESTIONS = 20
MINIMUM_CLUSTERS = 10

_SCORES: dict[Outcome, float] = {"candidate": 1.0, "tie": 0.5, "baseline": 0.0}


def preference(wins: int, losses: int) -> float | None:
    """Return the share of decided questions that were won; ``None`` when none was decided."""
    return wins / (wins + losses) if wins + losses else None


def wilson_interval(wins: int, decided: int, *, confidence: float = 0.95) -> Interval | None:
    """Return Wilson's score interval of a share; ``None`` for a share of nothing."""
    if decided == 0:
        return None
    share = wins / decided
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    scale = 1 + z * z / decided
    centre = (share + z * z / (2 * decided)) / scale
    margin = z / scale * math.sqrt(share * (1 - share) / decided + z * z / (4 * decided * decided))
    # At 0 and 1 the formula touches the share; rounding must not push the bound to its other side.
    return min(share, max(0.0, centre - margin)), max(share, min(1.0, centre + margin))


def sign_test(wins: int, losses: int) -> float:
    """Return the exact two-sided p value of "both arms win equally often"; 1 when no question is decided."""
    decided = wins + losses
    tail = sum(math.comb(decided, k) for k in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / (1 << decided))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's step-down adjusted p values, in the order given."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted


def half_win_rate(resolved: Iterable[Resolved]) -> float | None:
    """Return the mean score of parsed questions (win 1, tie 1/2, loss 0); ``None`` when none was parsed."""
    scores = [_SCORES[question.outcome] for question in resolved if question.outcome in _SCORES]
    return sum(scores) / len(scores) if scores else None


def half_win_interval(
    resolved: Iterable[Resolved], clusters: Mapping[str, str], *, seed: int, resamples: int = RESAMPLES
) -> Interval | None:
    """
    Return the 95 % percentile interval of the half-win rate, resampling document groups.

    :param clusters: document group of each row id.
    :return: ``None`` with fewer than two groups, which say nothing about how groups differ.
    :raises ReconciliationError: a judged row belongs to no group.
    """
    import numpy as np

    grouped = _scores_by_cluster(resolved, clusters)
    if len(grouped) < 2:
        return None
    sums = np.array([sum(scores) for scores in grouped])
    sizes = np.array([len(scores) for scores in grouped])
    random = np.random.default_rng(seed)
    means = []
    for _ in range(resamples):
        drawn = random.integers(0, len(grouped), len(grouped))
        means.append(sums[drawn].sum() / sizes[drawn].sum())
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _scores_by_cluster(resolved: Iterable[Resolved], clusters: Mapping[str, str]) -> list[list[float]]:
    grouped: dict[str, list[float]] = defaultdict(list)
    for question in resolved:
        if question.row_id not in clusters:
            message = f"Judged row {question.row_id} belongs to no document group; every evaluation row has one."
            raise ReconciliationError(message)
        if question.outcome in _SCORES:
            grouped[clusters[question.row_id]].append(_SCORES[question.outcome])
    return [grouped[cluster] for cluster in sorted(grouped)]


def compare(
    verdicts: Iterable[Mapping[str, Any]],
    clusters: Mapping[str, str],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """
    Return one ``comparisons`` entry of the report: one judge on one pair of arms.

    ``p_value_holm`` is that of a single comparison; :func:`compare_all` corrects it over all of them.

    :param verdicts: two per question, one for each order.
    :param clusters: document group of each row id.
    :raises ReconciliationError: no verdicts, those of several comparisons, an order or a group missing.
    """
    resolved = resolve(verdicts)
    judge, candidate, baseline = _only_comparison(resolved)
    counts = tally(resolved)
    wins, losses = counts["wins"], counts["losses"]
    groups = {clusters.get(question.row_id) for question in resolved if question.outcome in _SCORES}
    p_value = sign_test(wins, losses)
    return {
        "judge": judge,
        "candidate": candidate,
        "baseline": baseline,
        **counts,
        "clusters": len(groups),
        "preference": preference(wins, losses),
        "preference_ci95": _as_list(wilson_interval(wins, wins + losses)),
        "half_win_rate": half_win_rate(resolved),
        "half_win_ci95": _as_list(half_win_interval(resolved, clusters, seed=seed, resamples=resamples)),
        "p_value": p_value,
        "p_value_holm": p_value,
    }


def _only_comparison(resolved: Sequence[Resolved]) -> tuple[str, str, str]:
    compared = {(question.judge, question.candidate, question.baseline) for question in resolved}
    if len(compared) != 1:
        names = "; ".join(" ".join(names) for names in sorted(compared)) or "none"
        message = f"Expected the verdicts of one judge on one pair of arms, found {len(compared)}: {names}."
        raise ReconciliationError(message)
    return compared.pop()


def _as_list(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)


def compare_all(
    verdicts: Iterable[Iterable[Mapping[str, Any]]],
    clusters: Mapping[str, str],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> list[dict[str, Any]]:
    """
    Return all ``comparisons`` of a report, with Holm's correction over them.

    :param verdicts: one list per judge and pair of arms; parameters and errors as in :func:`compare`.
    """
    comparisons = [compare(records, clusters, seed=seed, resamples=resamples) for records in verdicts]
    adjusted = holm([comparison["p_value"] for comparison in comparisons])
    return [{**comparison, "p_value_holm": p} for comparison, p in zip(comparisons, adjusted, strict=True)]


def finding(comparison: Mapping[str, Any]) -> Finding:
    """
    Say which arm one comparison finds better, if any.

    The corrected sign test and the interval over document groups must agree: the test alone takes questions
    about one document for independent, the interval alone is not corrected for the number of comparisons.
    """
    judged = comparison["n"] - comparison["unparsable"]
    if judged < MINIMUM_QUESTIONS or comparison["clusters"] < MINIMUM_CLUSTERS:
        return "too_few"
    low, high = comparison["half_win_ci95"]
    if comparison["p_value_holm"] >= SIGNIFICANCE or low <= 0.5 <= high:
        return "unclear"
    return "candidate" if low > 0.5 else "baseline"
