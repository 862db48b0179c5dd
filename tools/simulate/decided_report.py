"""Write a report whose rule promotes the arm `tuned`, or promotes no arm, without serving a model or asking a judge."""

from __future__ import annotations

from typing import Any

from include.distill.config.use_case import UseCase
from include.distill.dataset.records import Row
from include.distill.evaluation.answer_counts import count_endings
from include.distill.evaluation.comparisons import compare_all
from include.distill.evaluation.promotion import decide_promotion
from include.distill.evaluation.records import Answer, Verdict

QUESTIONS = 120  # enough for a verdict, and more than the rows of a case
ORDERS = ("candidate_first", "baseline_first")


def answer(row: Row) -> Answer:
    """Return a complete answer to a row."""
    return {
        "row_id": row["row_id"],
        "arm": "tuned",
        "question": row["question"],
        "answer": row["answer"],
        "stop_reason": "end_turn",
    }


def report(use_case: UseCase, answers: list[Answer], *, wins: bool) -> dict[str, Any]:
    """
    Return the parts of a report that a promotion reads.

    :param wins: whether the judges prefer the arm `tuned`; otherwise they prefer the arm that it would replace.
    """
    baseline = use_case.champion_arm or "base"
    verdicts = [
        [verdict(judge, number, order, baseline=baseline, wins=wins) for number in range(QUESTIONS) for order in ORDERS]
        for judge in use_case.judges
    ]
    comparisons = compare_all(verdicts, {f"row{number}": f"document{number}" for number in range(QUESTIONS)})
    decision = decide_promotion(
        comparisons,
        candidate="tuned",
        champion=baseline,
        judges=use_case.judges,
        contaminated=0,
        rule=use_case.promotion,
    )
    endings = count_endings(answers)
    return {
        "verdict": "tuned is better." if wins else "tuned is worse.",
        "simulated": True,
        "comparisons": comparisons,
        "answer_endings": {"tuned": endings, baseline: endings},
        "promotion": {"rule": "the rule", "false_promotions_a_year": 0.0, "decisions": [decision.as_record()]},
    }


def verdict(judge: str, number: int, order: Any, *, baseline: str, wins: bool) -> Verdict:
    """Return one judge's verdict on one question."""
    return {
        "row_id": f"row{number}",
        "judge": judge,
        "candidate": "tuned",
        "baseline": baseline,
        "order": order,
        "verdict": "candidate" if wins else "baseline",
        "raw": "",
    }
