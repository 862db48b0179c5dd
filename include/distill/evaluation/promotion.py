"""
Decide whether a candidate replaces the champion, by a rule that is fixed before the run.

The functions have no side effects. The rule has these conditions. The report must give two verdicts and withhold
neither: the verdict at the top of the report, and the verdict on the candidate and the champion. Every judge must find
the candidate better. For every judge, the one-sided 97.5 % lower bound of the half-win rate must exceed one half plus a
margin. This bound is the lower end of the two-sided 95 % interval. There must also be enough decided questions from
enough document groups, and few unparsable verdicts. In addition, no evaluation question may be in the training data,
and only a few answers of the two arms may be incomplete. A condition that cannot be checked counts as not met, so
missing data never leads to a promotion.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from include.distill.config.promotion_rule import Promotion
from include.distill.evaluation.comparisons import MINIMUM_CLUSTERS, MINIMUM_DECIDED, MINIMUM_QUESTIONS
from include.distill.evaluation.records import ComparisonResult, DecisionRecord
from include.distill.evaluation.withheld_verdicts import confirmed_finding, reason_to_withhold

# Error probability of one judge's lower bound. It is half the error probability of a two-sided 95 % interval.
ALPHA = 0.025


@dataclass(frozen=True)
class Decision:
    """
    The rule's decision on one candidate.

    :param reasons: all conditions that are not met. If all are met, the figures that meet them, with one entry
        per judge.
    :param lower_bound: the smallest lower bound of all judges; ``None`` if no judge has one.
    :param false_promotions_a_year: upper limit, see :func:`false_promotions_a_year`.
    """

    candidate: str
    champion: str
    promoted: bool
    reasons: tuple[str, ...]
    lower_bound: float | None
    false_promotions_a_year: float

    def as_record(self) -> DecisionRecord:
        """Return the decision as it appears in ``report.json``."""
        return {
            "candidate": self.candidate,
            "champion": self.champion,
            "promoted": self.promoted,
            "reasons": list(self.reasons),
            "lower_bound": self.lower_bound,
            "false_promotions_a_year": self.false_promotions_a_year,
        }


def decide_promotion(
    comparisons: Sequence[ComparisonResult],
    *,
    candidate: str,
    champion: str,
    judges: Collection[str],
    contaminated: int | None,
    rule: Promotion,
    answer_problems: Collection[str] = (),
) -> Decision:
    """
    Apply ``rule`` to one candidate.

    :param comparisons: all comparisons in the report. Two pairs of arms matter. The comparisons of the candidate with
        the champion decide on the promotion. The first pair in the list is the one that the report's verdict is about.
        If that verdict is withheld, no candidate is promoted. All other pairs are ignored.
    :param champion: the arm that the candidate would replace.
    :param judges: all judges of the use case. There is no verdict if one of them did not compare the two arms.
    :param contaminated: number of evaluation questions in the candidate's training data; ``None`` if this was not
        checked.
    :param answer_problems: why the answers of the candidate or the champion do not allow a promotion.
    """
    pair = [c for c in comparisons if (c["candidate"], c["baseline"]) == (candidate, champion)]
    unmet = [*_contamination_reasons(contaminated), *answer_problems]
    if not judges:
        unmet.append("no judge is configured")
    if withheld := reason_to_withhold(pair, judges):
        unmet.append(f"the report gives no verdict on the candidate and {champion}: {withheld}")
    else:
        unmet += _headline_reasons(comparisons, judges, (candidate, champion))
        unmet += [reason for entry in pair for reason in _judge_reasons(entry, rule)]
    bounds = [_lower_bound(entry) for entry in pair]
    return Decision(
        candidate=candidate,
        champion=champion,
        promoted=not unmet,
        reasons=tuple(unmet or [_met_condition(entry, rule) for entry in pair]),
        lower_bound=min((bound for bound in bounds if bound is not None), default=None),
        false_promotions_a_year=false_promotions_a_year(rule),
    )


def false_promotions_a_year(rule: Promotion, *, candidates: int = 1) -> float:
    """
    Return the expected number of false promotions per year in the worst case that the rule allows.

    In the worst case, every run has new candidates that are just not good enough: their true half-win rate is exactly
    one half plus the margin. In addition, all judges err together. The number is smaller if a candidate is worse, or if
    judges err independently. A run that changes nothing has no new candidate and adds no chance of a false promotion.

    :param candidates: number of candidates that are compared with the champion in each run.
    """
    return rule.runs_a_year * candidates * ALPHA


def rule_sentence(rule: Promotion) -> str:
    """Describe the rule in one sentence, for the report."""
    lower_bound = f"one-sided {1 - ALPHA:.1%} lower bound of the half-win rate against the champion"
    groups = f"at least {min_clusters(rule)} document groups"
    conditions = (
        "the report does not withhold its verdict",
        "every judge finds the candidate better",
        f"and every judge's {lower_bound} is above {0.5 + rule.margin:.1%}",
        f"on at least {MINIMUM_QUESTIONS} questions with readable verdicts",
        f"of which at least {min_decisive(rule)} are decided and come from {groups}",
        f"with less than {rule.max_unparsable_share:.1%} of the verdicts unparsable",
        "few incomplete answers from each arm",
        "and no evaluation question in the training data",
    )
    return ", ".join(conditions)


def min_decisive(rule: Promotion) -> int:
    """Return the minimum number of decided questions for a promotion."""
    # With smaller numbers, the intervals are not known to be correct, so a use case can only raise these minimums.
    return max(rule.min_decisive, MINIMUM_DECIDED)


def min_clusters(rule: Promotion) -> int:
    """Return the minimum number of document groups with a decided question for a promotion."""
    return max(rule.min_clusters, MINIMUM_CLUSTERS)


def _contamination_reasons(contaminated: int | None) -> list[str]:
    if contaminated is None:
        return ["the training data was not searched for evaluation questions"]
    return [f"{contaminated} evaluation questions are in the training data, but none may be"] if contaminated else []


def _headline_reasons(
    comparisons: Sequence[ComparisonResult], judges: Collection[str], decided: tuple[str, str]
) -> list[str]:
    """
    Return why the report withholds the verdict at its top; an empty list if it gives this verdict.

    :param decided: the candidate and the champion. If the verdict at the top is about this pair, the list is empty,
        because :func:`decide_promotion` checks this pair itself.
    """
    headline = (comparisons[0]["candidate"], comparisons[0]["baseline"])
    if headline == decided:
        return []
    withheld = reason_to_withhold([c for c in comparisons if (c["candidate"], c["baseline"]) == headline], judges)
    return [f"the report withholds its verdict: {withheld}"] if withheld else []


def _judge_reasons(comparison: ComparisonResult, rule: Promotion) -> list[str]:
    bound, needed = _lower_bound(comparison), 0.5 + rule.margin
    decisive, clusters = comparison["wins"] + comparison["losses"], comparison["decisive_clusters"]
    readable = comparison["n"] - comparison["unparsable"]
    unparsable = comparison["unparsable"] / comparison["n"] if comparison["n"] else 1.0
    reasons = []
    if (finding := confirmed_finding(comparison)) != "candidate":
        reasons.append(f"the finding is {finding!r}, but must be 'candidate'")
    if bound is None or not bound > needed:
        shown = "unknown" if bound is None else f"{bound:.1%}"
        reasons.append(f"the lower bound of the half-win rate is {shown}, but must be above {needed:.1%}")
    if readable < MINIMUM_QUESTIONS:
        reasons.append(f"{readable} questions have a readable verdict, but at least {MINIMUM_QUESTIONS} are needed")
    if decisive < min_decisive(rule):
        reasons.append(f"{decisive} questions are decided, but at least {min_decisive(rule)} are needed")
    if clusters < min_clusters(rule):
        reasons.append(
            f"{clusters} document groups have decided questions, but at least {min_clusters(rule)} are needed"
        )
    if not unparsable < rule.max_unparsable_share:
        reasons.append(
            f"{unparsable:.1%} of the verdicts are unparsable, but this share must be below"
            f" {rule.max_unparsable_share:.1%}"
        )
    return [f"{comparison['judge']}: {reason}" for reason in reasons]


def _lower_bound(comparison: ComparisonResult) -> float | None:
    interval = comparison.get("half_win_ci95")  # a report of an earlier version may lack the figure
    return None if interval is None else interval[0]


def _met_condition(comparison: ComparisonResult, rule: Promotion) -> str:
    return (
        f"{comparison['judge']}: half-win rate {comparison['half_win_rate']:.1%}, lower bound"
        f" {_lower_bound(comparison):.1%}, above the required {0.5 + rule.margin:.1%}"
    )
