"""
Have a judge model decide which of two answers is better, and build the record of its verdict.

The answers in a judge's prompt are anonymous. Every pair of answers is judged in both orders
(:mod:`include.distill.evaluation.verdicts`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from include.distill.config.catalog import Model
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Judging
from include.distill.config.use_case import UseCase
from include.distill.dataset.records import Row
from include.distill.evaluation.records import Order, Outcome, Verdict
from include.distill.evaluation.verdicts import answers_in_order, winner_of
from include.distill.inference.answer_store import StoredAnswer, ask_until_readable
from include.distill.inference.requests import ModelRequest
from include.distill.inference.verdict_parsing import parse_verdict

# Sent to models that support structured output. The prompt describes the same JSON object for all other models.
VERDICT_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "verdict": {"type": "string", "enum": ["A", "B", "TIE"]}},
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    }
)


@dataclass(frozen=True)
class PairwiseComparison:
    """
    Two answers to one question, to be judged in one order.

    :param candidate: arm of ``candidate_answer``.
    :param baseline: arm of ``baseline_answer``, or ``<candidate>-again`` for the noise control.
    """

    row: Row
    candidate: str
    baseline: str
    candidate_answer: str
    baseline_answer: str
    order: Order

    @property
    def is_tie(self) -> bool:
        """Whether the two answers are equal. If they are, the question is a tie, and the judge is not called."""
        return self.candidate_answer == self.baseline_answer


@dataclass(frozen=True)
class Judge:
    """A judge: a model with its prompt and settings."""

    model: Model
    prompt: Prompt
    settings: Judging

    @classmethod
    def from_use_case(cls, use_case: UseCase, prompts: Mapping[str, Prompt], model: str) -> Judge:
        """
        Return the judge that uses ``model``, with the prompt and the settings of the use case.

        :param prompts: the run's frozen prompts, by name.
        :param model: key of the judge in models.yaml.
        """
        return cls(use_case.catalog_model(model), prompts[use_case.prompts.judging], use_case.judging)

    def request(self, comparison: PairwiseComparison) -> ModelRequest:
        """Return the request for a verdict on ``comparison``. The request does not contain the names of the arms."""
        answer_a, answer_b = answers_in_order(comparison.order, comparison.candidate_answer, comparison.baseline_answer)
        user = self.prompt.render(
            document=comparison.row["document"],
            question=comparison.row["question"],
            reference=comparison.row["answer"] if self.settings.show_reference else "",
            answer_a=answer_a,
            answer_b=answer_b,
        )
        return ModelRequest(
            model=self.model,
            identity=self.model.inference_id,
            invoke_id=self.model.inference_id,
            user=user,
            max_tokens=self.settings.max_tokens,
            temperature=self.settings.temperature,
            json_schema=VERDICT_SCHEMA,
        )

    def judge(
        self, comparison: PairwiseComparison, ask: Callable[[ModelRequest], StoredAnswer]
    ) -> tuple[Verdict, list[StoredAnswer]]:
        """
        Call the judge until its output contains a readable verdict, at most ``settings.attempts`` times.

        If the two answers are equal, return a tie without calling the judge.

        :param ask: returns the judge's stored reply to a request, or sends the request if no reply is stored.
        :return: the verdict and all outputs of the judge. The verdict is ``"unparsable"`` if no verdict could be read.
        """
        if comparison.is_tie:
            return self._verdict(comparison, "tie", same=True, raw=""), []
        reply = ask_until_readable(
            self.request(comparison),
            ask,
            read=parse_verdict,
            is_readable=lambda letter: letter is not None,
            attempts=self.settings.attempts,
            expected="one JSON object",
        )
        winner = winner_of(reply.parsed, comparison.order)
        raw = reply.answers[-1].completion.text
        return self._verdict(comparison, winner, same=False, raw=raw), reply.answers

    def _verdict(self, comparison: PairwiseComparison, outcome: Outcome, *, same: bool, raw: str) -> Verdict:
        return {
            "row_id": comparison.row["row_id"],
            "judge": self.model.key,
            "candidate": comparison.candidate,
            "baseline": comparison.baseline,
            "order": comparison.order,
            "candidate_characters": len(comparison.candidate_answer),
            "baseline_characters": len(comparison.baseline_answer),
            "verdict": outcome,
            "same": same,
            "raw": raw,
        }
