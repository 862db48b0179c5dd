"""
Whether a candidate replaces the champion: a rule written before the run, applied to figures, nothing else.

Pure functions. The default rule asks every judge: the one-sided 97.5 % lower bound of the half-win rate (the lower
end of its two-sided 95 % interval) lies above one half and a margin, on enough decided questions of enough document
groups, with few unreadable verdicts; and no question was found in the training data. A condition that cannot be
checked is not met: silence promotes nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from include.distill.config.sections import Promotion

# What one judge's lower bound may miss: half of what a two-sided 95 % interval may.
ALPHA = 0.025


@dataclass(frozen=True)
class Decision:
    """
    What the rule says of one candidate.

    :param reasons: every condition that is not met; when all are, the grounds, one per judge.
    :param lower_bound: the smallest lower bound of any judge; of several candidates promoted, the larger is safer.
    :param false_promotions_a_year: at most so many, see :func:`false_promotions_a_year`.
    """

    candidate: str
    champion: str
    promoted: bool
    reasons: tuple[str, ...]
    lower_bound: float | None
    false_promotions_a_year: float

    def as_record(self) -> dict[str, Any]:
        """The decision as plain JSON values."""
        return {**asdict(self), "reasons": list(self.reasons)}


def decide_promotion(
    comparisons: Sequence[Mapping[str, Any]],
    *,
    candidate: str,
    champion: str,
    judges: Collection[str],
    contaminated: int | None,
    rule: Promotion,
) -> Decision:
    """
    Apply ``rule`` to one candidate.

    :param comparisons: the report's; those of other pairs are no concern of this one.
    :param champion: the arm in whose place the candidate would come.
    :param judges: all judges of the use case; one without a comparison is a condition not met.
    :param contaminated: evaluation questions found in the candidate's training data; ``None`` when nobody looked.
    """
    by_judge = {c["judge"]: c for c in comparisons if (c["candidate"], c["baseline"]) == (candidate, champion)}
    failed = _contamination_reasons(contaminated)
    for judge in judges:
        failed += _judge_reasons(judge, by_judge[judge], rule) if judge in by_judge else [_unasked(judge, champion)]
    if not judges:
        failed.append("no judge was named")
    bounds = [_lower_bound(by_judge[judge]) for judge in judges if judge in by_judge]
    return Decision(
        candidate=candidate,
        champion=champion,
        promoted=not failed,
        reasons=tuple(failed or [_ground(by_judge[judge], rule) for judge in judges]),
        lower_bound=min((bound for bound in bounds if bound is not None), default=None),
        false_promotions_a_year=false_promotions_a_year(rule),
    )


def false_promotions_a_year(rule: Promotion, *, candidates: int = 1) -> float:
    """
    Return the largest number of false promotions that the rule allows in a year of runs.

    It is the number under the worst case that is still "no better": each run brings new candidates whose true
    half-win rate is exactly one half plus the margin, and all judges err together. Nearer one half, or with judges
    that err apart, it is smaller; a night that changes nothing brings no new candidate and no new chance.

    :param candidates: candidates compared with the champion in each run.
    """
    return rule.runs_a_year * candidates * ALPHA


def rule_sentence(rule: Promotion) -> str:
    """Return the rule as a person reads it."""
    return (
        f"every judge's one-sided {1 - ALPHA:.1%} lower bound of the half-win rate against the champion lies above"
        f" {0.5 + rule.margin:.1%}, on at least {rule.min_decisive} decided questions in at least {rule.min_clusters}"
        f" document groups, with less than {rule.max_unparsable_share:.1%} of the verdicts unparsable and no"
        " evaluation question found in the training data"
    )


def _contamination_reasons(contaminated: int | None) -> list[str]:
    if contaminated is None:
        return ["nobody looked for evaluation questions in the training data"]
    return (
        [f"{contaminated} evaluation questions were found in the training data, expected none"] if contaminated else []
    )


def _unasked(judge: str, champion: str) -> str:
    return f"{judge} did not compare the candidate with {champion}"


def _judge_reasons(judge: str, comparison: Mapping[str, Any], rule: Promotion) -> list[str]:
    bound, needed = _lower_bound(comparison), 0.5 + rule.margin
    decisive, clusters = comparison["wins"] + comparison["losses"], comparison["decisive_clusters"]
    unparsable = comparison["unparsable"] / comparison["n"] if comparison["n"] else 1.0
    reasons = []
    if bound is None or bound <= needed:
        shown = "unknown" if bound is None else f"{bound:.1%}"
        reasons.append(f"lower bound of the half-win rate is {shown}, needed above {needed:.1%}")
    if decisive < rule.min_decisive:
        reasons.append(f"{decisive} decided questions, needed {rule.min_decisive}")
    if clusters < rule.min_clusters:
        reasons.append(f"decided questions of {clusters} document groups, needed {rule.min_clusters}")
    if unparsable >= rule.max_unparsable_share:
        reasons.append(f"{unparsable:.1%} of the verdicts unparsable, allowed below {rule.max_unparsable_share:.1%}")
    return [f"{judge}: {reason}" for reason in reasons]


def _lower_bound(comparison: Mapping[str, Any]) -> float | None:
    interval = comparison["half_win_ci95"]
    return None if interval is None else float(interval[0])


def _ground(comparison: Mapping[str, Any], rule: Promotion) -> str:
    return (
        f"{comparison['judge']}: half-win rate {comparison['half_win_rate']:.1%}, lower bound"
        f" {_lower_bound(comparison):.1%}, needed above {0.5 + rule.margin:.1%}"
    )
