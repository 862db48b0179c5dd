"""
Build the requests to judges, and the records of answers and verdicts.

Judges see anonymous answers. Every pair of answers is judged in both orders.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from include.distill.config.catalog import Model
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Judging
from include.distill.core.storage import Record
from include.distill.evaluation.judging import Order, answers_in_order, winner_of
from include.distill.inference.answer_store import StoredAnswer, ask_until_readable
from include.distill.inference.output_parsing import parse_verdict
from include.distill.inference.requests import ModelRequest

# What a judge that can be held to a schema must answer; of the others the prompt asks the same in words.
VERDICT_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "verdict": {"type": "string", "enum": ["A", "B", "TIE"]}},
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    }
)


def answer_record(row: Record, arm: str, answers: Sequence[StoredAnswer]) -> Record:
    """
    Return the row that ``answers/<arm>`` holds for one evaluation row.

    :param answers: the arm's answer and, for the noise control, a second one.
    """
    record = {
        "row_id": row["row_id"],
        "arm": arm,
        "question": row["question"],
        "answer": answers[0].completion.text,
        "stop_reason": answers[0].completion.stop_reason,
    }
    return {**record, "second_answer": answers[1].completion.text} if len(answers) > 1 else record


@dataclass(frozen=True)
class PairwiseComparison:
    """Two answers to one question, to be judged in one order."""

    row: Record
    candidate: str
    baseline: str
    candidate_answer: str
    baseline_answer: str
    order: Order

    @property
    def is_tie(self) -> bool:
        """Equal answers are a tie without asking: both orders would be the same question."""
        return self.candidate_answer == self.baseline_answer


def judging_request(comparison: PairwiseComparison, *, judge: Model, prompt: Prompt, settings: Judging) -> ModelRequest:
    """Return the question that asks a judge which answer is better."""
    answer_a, answer_b = answers_in_order(comparison.order, comparison.candidate_answer, comparison.baseline_answer)
    user = prompt.render(
        document=comparison.row["document"],
        question=comparison.row["question"],
        reference=comparison.row["answer"] if settings.show_reference else "",
        answer_a=answer_a,
        answer_b=answer_b,
    )
    return ModelRequest(
        model=judge,
        identity=judge.inference_id,
        invoke_id=judge.inference_id,
        user=user,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        json_schema=VERDICT_SCHEMA,
    )


def judge_comparison(
    comparison: PairwiseComparison,
    *,
    judge: Model,
    prompt: Prompt,
    settings: Judging,
    ask: Callable[[ModelRequest], StoredAnswer],
) -> tuple[Record, list[StoredAnswer]]:
    """
    Ask a judge about ``comparison``, unless it is a tie, until its verdict can be read.

    An unreadable verdict is recorded as ``unparsable``.
    """
    if comparison.is_tie:
        return {**_verdict(comparison, judge), "verdict": "tie", "same": True, "raw": ""}, []
    reply = ask_until_readable(
        judging_request(comparison, judge=judge, prompt=prompt, settings=settings),
        ask,
        read=parse_verdict,
        is_readable=lambda letter: letter is not None,
        attempts=settings.attempts,
    )
    outcome, raw = winner_of(reply.parsed, comparison.order), reply.answers[-1].completion.text
    return {**_verdict(comparison, judge), "verdict": outcome, "same": False, "raw": raw}, reply.answers


def _verdict(comparison: PairwiseComparison, judge: Model) -> Record:
    return {
        "row_id": comparison.row["row_id"],
        "judge": judge.key,
        "candidate": comparison.candidate,
        "baseline": comparison.baseline,
        "order": comparison.order,
        "candidate_characters": len(comparison.candidate_answer),
        "baseline_characters": len(comparison.baseline_answer),
    }
