"""
Check again, before a promotion is carried out, that the current rule confirms the stored decision to promote.

The report that contains the decision may be older than the current promotion rule. An earlier version with a weaker
rule may have written it, and a person may have cleared only the task ``promote``, so that no new report was written. A
decision to promote is carried out only if the current rule comes to the same decision from the stored figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from include.distill.config.use_case import UseCase
from include.distill.evaluation.answer_counts import incomplete_answer_problems
from include.distill.evaluation.champion import winning_decision
from include.distill.evaluation.promotion import decide_promotion
from include.distill.evaluation.records import AnswerEndings, ComparisonResult, DecisionRecord, PromotionRecord


def standing_promotion(
    promotion: PromotionRecord | None,
    comparisons: Sequence[ComparisonResult],
    answer_endings: Mapping[str, AnswerEndings],
    *,
    use_case: UseCase,
) -> PromotionRecord | None:
    """
    Check a report's decisions to promote against the current rule, and return the report's section ``promotion``.

    If the current rule does not confirm a decision to promote, a decision not to promote takes its place and states the
    reasons.

    :param promotion: the section ``promotion`` of the report.
    :param comparisons: the section ``comparisons`` of the report.
    :param answer_endings: the section ``answer_endings`` of the report; empty if the report does not have it.
    """
    if promotion is None:
        return None
    decisions = [
        _confirmed(decision, comparisons, answer_endings, use_case=use_case) for decision in promotion["decisions"]
    ]
    return {**promotion, "decisions": decisions}


def _confirmed(
    decision: DecisionRecord,
    comparisons: Sequence[ComparisonResult],
    answer_endings: Mapping[str, AnswerEndings],
    *,
    use_case: UseCase,
) -> DecisionRecord:
    if not decision["promoted"]:
        return decision
    arms = (decision["candidate"], decision["champion"])
    current = decide_promotion(
        comparisons,
        candidate=decision["candidate"],
        champion=decision["champion"],
        judges=use_case.judges,
        contaminated=0,  # with contaminated questions, the report would not have decided to promote
        rule=use_case.promotion,
        answer_problems=incomplete_answer_problems(arms, answer_endings, use_case.promotion.max_incomplete_share),
    )
    if current.promoted:
        return decision
    note = "the report was written under an earlier rule; clear the task `report` to apply the current rule"
    return {**decision, "promoted": False, "reasons": [*current.reasons, note]}


def promotion_summary(promotion: PromotionRecord | None) -> str:
    """State in one sentence which arm the rule promotes, or why it promotes none."""
    if winner := winning_decision(promotion):
        return (
            f"The rule promotes {winner['candidate']} in place of {winner['champion']}: {'; '.join(winner['reasons'])}."
        )
    decisions = promotion["decisions"] if promotion else []
    lines = [f"{decision['candidate']}: {'; '.join(decision['reasons'])}" for decision in decisions]
    reasons = " / ".join(lines) or (
        "no arm was compared with the champion, or with the arm that takes the champion's place"
    )
    return f"No arm is promoted: {reasons}."
