"""
Compute the report's figures from one judge's verdicts on a pair of arms.

These are the main figures:

* ``preference``: number of wins divided by the number of decided questions (the figure that the article in
  ``docs/explanation/method.md`` reports);
* ``half_win_rate``: mean of 1 (win), 1/2 (tie) and 0 (loss) over the questions with a parsed verdict. Questions with an
  unparsable verdict are left out of the means and counted separately;
* ``p_value``: exact two-sided sign test with one sign per document group. ``p_value_holm`` is this p-value with Holm's
  correction for all comparisons in a report, that is, for all pairs of arms and all judges.

The intervals of both rates account for document groups (:mod:`include.distill.stats.intervals`). The methods use no
random numbers, so the same verdicts always give the same figures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.distill.config.sections import Judging
from include.distill.core.errors import ReconciliationError
from include.distill.evaluation.records import (
    ComparisonFigures,
    ComparisonPower,
    ComparisonResult,
    Finding,
    GroupCounts,
    Outcome,
    Verdict,
)
from include.distill.evaluation.verdicts import ResolvedVerdict, resolve, tally
from include.distill.stats.intervals import Interval, clustered_interval, clustered_share, design_effect
from include.distill.stats.power import minimum_detectable_difference
from include.distill.stats.significance import clustered_sign_test, holm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from include.distill.stats.intervals import Floats

SIGNIFICANCE = 0.05
# Within these limits, tests/distill/stats/test_interval_coverage.py shows that the intervals contain the true rate as
# often as they claim. Outside these limits, a comparison has figures, but its finding is "too_few".
MINIMUM_QUESTIONS = 100
MINIMUM_CLUSTERS = 40
MINIMUM_DECIDED = 50  # needed for a promotion; the tests cover samples in which up to half of the questions are ties
LARGEST_CLUSTER_SHARE = 0.1
MAX_UNPARSABLE_SHARE = Judging().max_unparsable_share

_SCORES: dict[Outcome, float] = {"candidate": 1.0, "tie": 0.5, "baseline": 0.0}


def preference(wins: int, losses: int) -> float | None:
    """Return the share of wins among the decided questions, or ``None`` if no question was decided."""
    return wins / (wins + losses) if wins + losses else None


@dataclass(frozen=True)
class OutcomesByGroup:
    """
    Numbers of outcomes by document group, as arrays with one entry per group.

    :param scored: numbers of questions with a parsed verdict.
    """

    wins: Floats
    losses: Floats
    scored: Floats

    @property
    def scores(self) -> Floats:
        """The total score of each group. A win scores 1, a tie 1/2 and a loss 0."""
        return (self.scored + self.wins - self.losses) / 2

    @property
    def squares(self) -> float:
        """The sum of the squared scores of all questions."""
        ties = float((self.scored - self.wins - self.losses).sum())
        return float(self.wins.sum()) + ties / 4


def group_outcomes(resolved: Iterable[ResolvedVerdict], clusters: Mapping[str, str]) -> OutcomesByGroup:
    """
    Count the outcomes of each document group. Groups without a parsed verdict are left out.

    :param clusters: document group of each row id.
    :raises ReconciliationError: a judged row has no group.
    """
    import numpy as np

    counts: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for question in resolved:
        if question.row_id not in clusters:
            raise ReconciliationError(
                f"The judged row {question.row_id} has no document group, so it is not an evaluation row of this run.",
                left="Nothing was counted.",
                to_do="Clear the judge tasks; stored answers are not paid for again.",
            )
        if question.outcome in _SCORES:
            counts[clusters[question.row_id]][question.outcome] += 1
    ordered = [counts[cluster] for cluster in sorted(counts)]
    return OutcomesByGroup(
        wins=np.array([c["candidate"] for c in ordered], dtype=float),
        losses=np.array([c["baseline"] for c in ordered], dtype=float),
        scored=np.array([c.total() for c in ordered], dtype=float),
    )


def compare(
    verdicts: Iterable[Verdict],
    clusters: Mapping[str, str],
    *,
    max_unparsable_share: float = MAX_UNPARSABLE_SHARE,
) -> ComparisonResult:
    """
    Return one entry for ``comparisons`` in the report: the figures of one judge on one pair of arms.

    ``p_value_holm`` and ``finding`` are not corrected for other comparisons; :func:`compare_all` corrects them.

    :param verdicts: two verdicts per question, one for each order.
    :param clusters: document group of each row id.
    :param max_unparsable_share: largest share of questions that may have an unparsable verdict. With a larger share,
        the finding is "unreadable".
    :raises ReconciliationError: there are no verdicts, the verdicts belong to several comparisons, or an order or a
        document group is missing.
    """
    resolved = resolve(verdicts)
    judge, candidate, baseline = _only_comparison(resolved)
    groups = group_outcomes(resolved, clusters)
    counts = tally(resolved)
    p_value = clustered_sign_test(groups.wins - groups.losses)
    figures: ComparisonFigures = {
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
    return {**figures, "finding": find_winner(figures)}


def _sizes(groups: OutcomesByGroup) -> GroupCounts:
    return {
        "clusters": len(groups.scored),
        "decisive_clusters": int(((groups.wins + groups.losses) > 0).sum()),
        "clusters_won": int((groups.wins > groups.losses).sum()),
        "clusters_lost": int((groups.wins < groups.losses).sum()),
        "largest_cluster_share": float(groups.scored.max() / groups.scored.sum()) if len(groups.scored) else None,
    }


def _power(groups: OutcomesByGroup) -> ComparisonPower:
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
        raise ReconciliationError(
            f"The verdicts must all be from one judge on one pair of arms, but {len(compared)} combinations of judge"
            f" and pair were found ({names}).",
            left="Nothing was counted.",
            to_do="Clear the judge task; stored answers are not paid for again.",
        )
    return compared.pop()


def _as_list(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)


def compare_all(
    verdicts: Iterable[Iterable[Verdict]],
    clusters: Mapping[str, str],
    *,
    max_unparsable_share: float = MAX_UNPARSABLE_SHARE,
) -> list[ComparisonResult]:
    """
    Return all ``comparisons`` of a report, with Holm's correction for all of them.

    :param verdicts: verdicts of each judge on each pair of arms. Other parameters and errors are as in :func:`compare`.
    """
    comparisons = [compare(records, clusters, max_unparsable_share=max_unparsable_share) for records in verdicts]
    adjusted = holm([comparison["p_value"] for comparison in comparisons])
    for comparison, p_value in zip(comparisons, adjusted, strict=True):
        comparison["p_value_holm"] = p_value
        comparison["finding"] = find_winner(comparison)
    return comparisons


def find_winner(comparison: ComparisonFigures) -> Finding:
    """
    Return the arm that is better in one comparison, or the reason why neither arm is found better.

    The corrected sign test must be significant, the interval must exclude one half, and both must favor the same arm.
    Neither is enough on its own: the interval is not corrected for the number of comparisons, and the test gives a
    document group with one question the same weight as a group with ten.
    """
    # Every comparison with NaN is false, so each condition states what a finding needs and fails for NaN.
    if is_too_small(comparison):
        return "too_few"
    if not comparison["unparsable"] <= comparison["max_unparsable_share"] * comparison["n"]:
        return "unreadable"
    interval = comparison["half_win_ci95"]
    if interval is None or not comparison["p_value_holm"] < SIGNIFICANCE:
        return "unclear"
    low, high = interval
    if not (0.5 < low <= high or low <= high < 0.5):
        return "unclear"
    candidate_is_better = low > 0.5
    if candidate_is_better != (comparison["clusters_won"] > comparison["clusters_lost"]):
        return "unclear"
    return "candidate" if candidate_is_better else "baseline"


def is_too_small(comparison: ComparisonFigures) -> bool:
    """Return whether a comparison is too small, or one document group is too large, for a reliable interval."""
    largest = comparison["largest_cluster_share"]
    is_large_enough = comparison["n"] >= MINIMUM_QUESTIONS and comparison["clusters"] >= MINIMUM_CLUSTERS
    return not (is_large_enough and largest is not None and largest <= LARGEST_CLUSTER_SHARE)
