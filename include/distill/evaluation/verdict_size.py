"""Warn before a run if its evaluation has too few questions or document groups for a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from include.distill.config.promotion_rule import Promotion
from include.distill.dataset.records import Grouped
from include.distill.evaluation.comparisons import LARGEST_CLUSTER_SHARE, MINIMUM_CLUSTERS, MINIMUM_QUESTIONS
from include.distill.evaluation.promotion import min_clusters, min_decisive
from include.distill.stats.power import minimum_detectable_difference

_NEEDED = (
    f"A verdict needs at least {MINIMUM_QUESTIONS} questions from at least {MINIMUM_CLUSTERS} document groups, with at"
    f" most {LARGEST_CLUSTER_SHARE:.0%} of the questions in one group"
)


def too_few_questions(questions: int) -> str | None:
    """
    Return a warning if a run has too few evaluation questions for a verdict; otherwise ``None``.

    :param questions: the largest number of evaluation questions that the run can have.
    """
    if questions >= MINIMUM_QUESTIONS:
        return None
    return _no_verdict(f"at most {questions:,} evaluation questions")


def verdict_warnings(rows: Iterable[Grouped], promotion: Promotion | None) -> Iterator[str]:
    """
    Yield a warning if a run with these evaluation rows can give no verdict or promote no arm.

    :param promotion: the rule of the use case; ``None`` if the run compares no arm with a champion.
    """
    groups = Counter(row["group"] for row in rows)
    questions, largest = groups.total(), max(groups.values(), default=0)
    if questions < MINIMUM_QUESTIONS or len(groups) < MINIMUM_CLUSTERS or largest > LARGEST_CLUSTER_SHARE * questions:
        yield _no_verdict(
            f"{questions:,} evaluation questions from {len(groups):,} document groups, {largest:,} of them in one group"
        )
    elif promotion and (questions < min_decisive(promotion) or len(groups) < min_clusters(promotion)):
        yield (
            f"This run can promote no arm: it has {questions:,} evaluation questions from {len(groups):,} document"
            f" groups, and promotion requires {min_decisive(promotion):,} decided questions from"
            f" {min_clusters(promotion):,} groups. Use more evaluation rows, or lower promotion.min_decisive and"
            " promotion.min_clusters in the use-case file."
        )


def detectable_win_rate(rows: Iterable[Grouped]) -> float | None:
    """
    Return the smallest true half-win rate that a comparison on these rows detects in 4 of 5 runs.

    Every question is assumed to be decided.

    :return: from 0.5 to 1; ``None`` if there are fewer than two document groups.
    """
    groups = Counter(row["group"] for row in rows)
    if len(groups) < 2:
        return None
    # The rate is computed as if all questions were independent, because it is not known yet how much the questions of
    # one group depend on each other.
    difference = minimum_detectable_difference(groups.total(), decided_share=1, degrees=len(groups) - 1)
    return None if difference is None else 0.5 + difference


def _no_verdict(sizes: str) -> str:
    return (
        f"This run can give no verdict and promote no arm: it has {sizes}. {_NEEDED}. It can still show whether all"
        " steps work. For a verdict, use more evaluation rows."
    )
