"""
Questions to the arms and to the judges: what is asked, and how the answers become rows.

All arms get the same text, the one that the student was trained on, with the same parameters. Judges see anonymous
answers; every pair is asked in both orders.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from include.distill.config.catalog import Model
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Answering, Judging
from include.distill.core.storage import Record
from include.distill.evaluation.judging import Order, in_order, to_candidate_view
from include.distill.inference.answer_store import PaidAnswer, ask_until_readable
from include.distill.inference.output_parsing import parse_verdict
from include.distill.inference.requests import ModelRequest
from include.distill.inference.student import Student, as_told, escape_reserved, student_input

# What a judge that can be held to a schema must answer; of the others the prompt asks the same in words.
VERDICT_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "verdict": {"type": "string", "enum": ["A", "B", "TIE"]}},
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    }
)


def answering_request(
    row: Record, *, student: Student, prompt: Prompt, instruction: str, settings: Answering, sample: int = 0
) -> ModelRequest:
    """Return the question that asks an arm to answer ``row``; under another ``sample`` for the noise control."""
    family = student.family
    user = student_input(row["document"], row["question"], prompt=prompt, family=family)
    system, user = as_told(user=user, instruction=escape_reserved(instruction, family), family=family)
    return ModelRequest(
        model=student.model,
        identity=student.identity,
        invoke_id=student.invoke_id,
        system=system,
        user=user,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        sample=sample,
    )


def answer_record(row: Record, arm: str, answers: Sequence[PaidAnswer]) -> Record:
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
class Duel:
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


def judging_request(duel: Duel, *, judge: Model, prompt: Prompt, settings: Judging) -> ModelRequest:
    """Return the question that asks a judge which answer is better."""
    answer_a, answer_b = in_order(duel.order, duel.candidate_answer, duel.baseline_answer)
    user = prompt.render(
        document=duel.row["document"],
        question=duel.row["question"],
        reference=duel.row["answer"] if settings.show_reference else "",
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


def judge_duel(
    duel: Duel,
    *,
    judge: Model,
    prompt: Prompt,
    settings: Judging,
    ask: Callable[[ModelRequest], PaidAnswer],
) -> tuple[Record, list[PaidAnswer]]:
    """
    Ask a judge about ``duel``, unless it is a tie, until its verdict can be read.

    An unreadable verdict is recorded as ``unparsable``.
    """
    if duel.is_tie:
        return {**_verdict(duel, judge), "verdict": "tie", "same": True, "raw": ""}, []
    asked = ask_until_readable(
        judging_request(duel, judge=judge, prompt=prompt, settings=settings),
        ask,
        read=parse_verdict,
        is_readable=lambda letter: letter is not None,
        attempts=settings.attempts,
    )
    outcome, raw = to_candidate_view(asked.result, duel.order), asked.answers[-1].completion.text
    return {**_verdict(duel, judge), "verdict": outcome, "same": False, "raw": raw}, asked.answers


def _verdict(duel: Duel, judge: Model) -> Record:
    return {
        "row_id": duel.row["row_id"],
        "judge": judge.key,
        "candidate": duel.candidate,
        "baseline": duel.baseline,
        "order": duel.order,
        "candidate_characters": len(duel.candidate_answer),
        "baseline_characters": len(duel.baseline_answer),
    }
