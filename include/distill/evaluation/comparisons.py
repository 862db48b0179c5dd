"""
How one judge's verdicts on a pair of arms become the figures of the report.

Three figures, each with its own denominator:

* ``preference``: wins of the decided questions (the article's figure);
* ``half_win_rate``: mean over the questions with a parsed verdict of 1 (win), 1/2 (tie), 0 (loss). Unparsable
  questions are in no mean, only in their count;
* ``p_value``: exact two-sided sign test with one sign per document group; ``p_value_holm``: the same with Holm's
  correction over all comparisons of a report, every pair and every judge.

Both intervals respect document groups (:mod:`include.distill.stats.intervals`). Nothing here is random.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from include.distill.config.sections import Judging
from include.distill.core.errors import ReconciliationError
from include.distill.evaluation.judging import resolve, tally
from include.distill.stats.intervals import clustered_interval, clustered_share, design_effect
from include.distill.stats.power import minimum_detectable_difference
from include.distill.stats.significance import clustered_sign_test, holm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from include.distill.evaluation.judging import Outcome, ResolvedVerdict
    from include.distill.stats.intervals import Floats, Interval

Finding = Literal["candidate", "baseline", "unclear", "too_few", "unreadable"]

SIGNIFICANCE = 0.05
# The regime in which the intervals were shown to hold their level (tests/distill/stats/test_interval_coverage.py).
# A report outside it gives its figures and no verdict.
MINIMUM_QUESTIONS = 100
MINIMUM_CLUSTERS = 40
LARGEST_CLUSTER_SHARE = 0.1
MAX_UNPARSABLE_SHARE = Judging().max_unparsable_share

_SCORES: dict[Outcome, float] = {"candidate": 1.0, "tie": 0.5, "baseline": 0.0}


def preference(wins: int, losses: int) -> float | None:
    """Return the share of decided questions that were won; ``None`` when none was decided."""
    return wins / (wins + losses) if wins + losses else None


@dataclass(frozen=True)
class OutcomesByGroup:
    """Outcomes per document group, one entry of each array per group. ``scored`` are the parsed questions."""

    wins: Floats
    losses: Floats
    scored: Floats

    @property
    def scores(self) -> Floats:
        """Per group, the sum of its questions' scores: win 1, tie 1/2, loss 0."""
        return (self.scored + self.wins - self.losses) / 2

    @property
    def squares(self) -> float:
        """Sum of all squared scores."""
        ties = float((self.scored - self.wins - self.losses).sum())
        return float(self.wins.sum()) + ties / 4


def group_outcomes(resolved: Iterable[ResolvedVerdict], clusters: Mapping[str, str]) -> OutcomesByGroup:
    """
    Return the outcomes per document group; groups without a parsed question are left out.

    :param clusters: document group of each row id.
    :raises ReconciliationError: a judged row belongs to no group.
    """
    import numpy as np

    counts: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for question in resolved:
        if question.row_id not in clusters:
            message = f"Judged row {question.row_id} belongs to no document group; every evaluation row has one."
            raise ReconciliationError(message)
        if question.outcome in _SCORES:
            counts[clusters[question.row_id]][question.outcome] += 1
    ordered = [counts[cluster] for cluster in sorted(counts)]
    return OutcomesByGroup(
        wins=np.array([c["candidate"] for c in ordered], dtype=float),
        losses=np.array([c["baseline"] for c in ordered], dtype=float),
        scored=np.array([c.total() for c in ordered], dtype=float),
    )


def compare(
    verdicts: Iterable[Mapping[str, Any]],
    clusters: Mapping[str, str],
    *,
    max_unparsable_share: float = MAX_UNPARSABLE_SHARE,
) -> dict[str, Any]:
    """
    Return one ``comparisons`` entry of the report: one judge on one pair of arms.

    ``p_value_holm`` and ``finding`` are those of a single comparison; :func:`compare_all` corrects them over all.

    :param verdicts: two per question, one for each order.
    :param clusters: document group of each row id.
    :param max_unparsable_share: above it, the judge's finding is "unreadable".
    :raises ReconciliationError: no verdicts, those of several comparisons, an order or a group missing.
    """
    resolved = resolve(verdicts)
    judge, candidate, baseline = _only_comparison(resolved)
    groups = group_outcomes(resolved, clusters)
    counts = tally(resolved)
    p_value = clustered_sign_test(groups.wins - groups.losses)
    entry = {
        "judge": judge,
        "candidate": candidate,
        "baseline": baseline,
        **counts,
        **_sizes(groups),
        "preference": preference(counts["wins"], counts["losses"]),
        "preference_ci95": _as_list(clustered_interval(groups.wins, groups.wins + groups.losses)),
        "half_win_rate": float(groups.scores.sum() / groups.scored.sum()) if len(groups.scored) else None,
        "half_win_ci95": _as_list(clustered_interval(groups.scores, groups.scored)),
        "p_value": p_value,
        "p_value_holm": p_value,
        "max_unparsable_share": max_unparsable_share,
        **_power(groups),
    }
    return {**entry, "finding": finding(entry)}


def _sizes(groups: OutcomesByGroup) -> dict[str, Any]:
    largest = float(groups.scored.max() / groups.scored.sum()) if len(groups.scored) else None
    return {
        "clusters": len(groups.scored),
        "decisive_clusters": int(((groups.wins + groups.losses) > 0).sum()),
        "clusters_won": int((groups.wins > groups.losses).sum()),
        "clusters_lost": int((groups.wins < groups.losses).sum()),
        "largest_cluster_share": largest,
    }


def _power(groups: OutcomesByGroup) -> dict[str, float | None]:
    if len(groups.scored) < 2:
        return {"design_effect": None, "minimum_detectable_difference": None}
    questions = int(groups.scored.sum())
    effect = design_effect(groups.scores, groups.scored, groups.squares)
    difference = minimum_detectable_difference(
        questions,
        decided_share=float((groups.wins + groups.losses).sum()) / questions,
        design_effect=effect,
        degrees=float(clustered_share(groups.scores, groups.scored).degrees),
    )
    return {"design_effect": effect, "minimum_detectable_difference": difference}


def _only_comparison(resolved: Sequence[ResolvedVerdict]) -> tuple[str, str, str]:
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
    max_unparsable_share: float = MAX_UNPARSABLE_SHARE,
) -> list[dict[str, Any]]:
    """
    Return all ``comparisons`` of a report, with Holm's correction over them.

    :param verdicts: one list per judge and pair of arms; parameters and errors as in :func:`compare`.
    """
    comparisons = [compare(records, clusters, max_unparsable_share=max_unparsable_share) for records in verdicts]
    adjusted = holm([comparison["p_value"] for comparison in comparisons])
    corrected = [{**comparison, "p_value_holm": p} for comparison, p in zip(comparisons, adjusted, strict=True)]
    return [{**comparison, "finding": finding(comparison)} for comparison in corrected]


def finding(comparison: Mapping[str, Any]) -> Finding:
    """
    Say which arm one comparison finds better, if any.

    The corrected sign test and the interval must agree, and name the same arm: the interval is not corrected for the
    number of comparisons, the test weighs a document of one question like one of ten.
    """
    if is_too_small(comparison):
        return "too_few"
    if comparison["unparsable"] > comparison["max_unparsable_share"] * comparison["n"]:
        return "unreadable"
    low, high = comparison["half_win_ci95"]
    if comparison["p_value_holm"] >= SIGNIFICANCE or low <= 0.5 <= high:
        return "unclear"
    if (low > 0.5) != (comparison["clusters_won"] > comparison["clusters_lost"]):
        return "unclear"
    return "candidate" if low > 0.5 else "baseline"


def is_too_small(comparison: Mapping[str, Any]) -> bool:
    """Tell whether a comparison lies outside the regime in which its interval was shown to hold its level."""
    return bool(
        comparison["n"] < MINIMUM_QUESTIONS
        or comparison["clusters"] < MINIMUM_CLUSTERS
        or comparison["largest_cluster_share"] > LARGEST_CLUSTER_SHARE
    )
