"""
Decide whether to give or withhold the verdict on a pair of arms, and say why it is withheld.

The sentence at the top of the report and the promotion rule both use these functions, so a run cannot promote a
candidate while its report withholds the verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from include.distill.evaluation.comparisons import (
    LARGEST_CLUSTER_SHARE,
    MINIMUM_CLUSTERS,
    MINIMUM_QUESTIONS,
    find_winner,
)
from include.distill.evaluation.records import ComparisonResult, Finding

_GIVEN: tuple[Finding, ...] = ("candidate", "baseline", "unclear")


def confirmed_finding(comparison: ComparisonResult) -> Finding:
    """
    Return the finding of a comparison, if the stored finding and the current rules agree on it.

    An earlier version with other rules may have written the report, so the finding is also computed from the figures.
    If the stored or the computed finding withholds the verdict, that finding is returned. In any other case in which
    the two differ, the result is ``unclear``.
    """
    stored, current = comparison["finding"], find_winner(comparison)
    if stored not in _GIVEN:
        return stored
    return current if current == stored or current not in _GIVEN else "unclear"


def reason_to_withhold(comparisons: Sequence[ComparisonResult], judges: Collection[str] = ()) -> str | None:
    """
    Return a sentence for readers that says why there is no verdict on a pair of arms; ``None`` if there is a verdict.

    :param comparisons: the comparisons of this pair of arms, one per judge.
    :param judges: all judges of the use case. Each of them must have compared the pair.
    """
    if not comparisons:
        return "No verdict"
    pair = f"{comparisons[0]['candidate']} and {comparisons[0]['baseline']}"
    if any(ComparisonResult.__required_keys__ - entry.keys() for entry in comparisons):
        return f"No verdict on {pair}: the report was written by an earlier version and lacks figures"
    if missing := [judge for judge in judges if judge not in {entry["judge"] for entry in comparisons}]:
        return f"No verdict on {pair}: {', '.join(missing)} did not compare them"
    findings = [confirmed_finding(entry) for entry in comparisons]
    if "too_few" in findings:
        return _too_few(comparisons, pair)
    if withheld := [entry for entry, finding in zip(comparisons, findings, strict=True) if finding not in _GIVEN]:
        return f"No verdict on {pair}: {_unreadable(withheld)}"
    return None


def _too_few(comparisons: Sequence[ComparisonResult], pair: str) -> str:
    questions, documents = min(entry["n"] for entry in comparisons), min(entry["clusters"] for entry in comparisons)
    if questions < MINIMUM_QUESTIONS or documents < MINIMUM_CLUSTERS:
        return (
            f"The sample is too small for a verdict on {pair} ({questions} questions about"
            f" {documents} document groups; at least {MINIMUM_QUESTIONS} and {MINIMUM_CLUSTERS} are needed)"
        )
    largest = max(entry["largest_cluster_share"] or 0.0 for entry in comparisons)
    return (
        f"The sample is too uneven for a verdict on {pair} ({largest:.0%} of the questions are"
        f" about one document group; at most {LARGEST_CLUSTER_SHARE:.0%} are allowed)"
    )


def _unreadable(withheld: Sequence[ComparisonResult]) -> str:
    return "; ".join(
        f"the verdicts of {entry['judge']} on {entry['unparsable']} of {entry['n']} questions could not be read"
        for entry in withheld
    )
