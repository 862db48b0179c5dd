"""
Ask a judge which of two answers is better, and record its verdict.

A judge sees anonymous answers. It judges every pair of answers in both orders, see
:mod:`include.distill.evaluation.verdicts`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from include.distill.config.catalog import Model, load_catalog
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Judging
from include.distill.config.use_case import UseCase
from include.distill.dataset.records import Row
from include.distill.evaluation.records import Order, Outcome, Verdict
from include.distill.evaluation.verdicts import answers_in_order, winner_of
from include.distill.inference.answer_store import StoredAnswer, ask_until_readable
from include.distill.inference.output_parsing import parse_verdict
from include.distill.inference.requests import ModelRequest

# Models with structured output must answer with this schema. For the others, the prompt asks for the same in words.
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

    :param candidate: arm that wrote ``candidate_answer``.
    :param baseline: arm that wrote ``baseline_answer``, or ``<candidate>-again`` for the noise control.
    """

    row: Row
    candidate: str
    baseline: str
    candidate_answer: str
    baseline_answer: str
    order: Order

    @property
    def is_tie(self) -> bool:
        """Whether the answers are equal: a tie without asking, because both orders would be the same question."""
        return self.candidate_answer == self.baseline_answer


@dataclass(frozen=True)
class Judge:
    """A judge: the model, and how it is asked."""

    model: Model
    prompt: Prompt
    settings: Judging

    @classmethod
    def from_use_case(cls, use_case: UseCase, prompts: Mapping[str, Prompt], model: str) -> Judge:
        """
        Return the judge that a use case asks.

        :param prompts: frozen prompts by name.
        :param model: key of the judge in models.yaml.
        """
        return cls(load_catalog().model(model), prompts[use_case.prompts.judging], use_case.judging)

    def request(self, comparison: PairwiseComparison) -> ModelRequest:
        """Return the request that asks which answer is better. It shows no name of an arm."""
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
        Ask until a verdict can be read, ``settings.attempts`` times at most. A tie of equal answers is not asked.

        :param ask: sends a request, or finds its stored answer.
        :return: the verdict, ``"unparsable"`` when none could be read, and every answer on the way.
        """
        if comparison.is_tie:
            return self._verdict(comparison, "tie", same=True, raw=""), []
        reply = ask_until_readable(
            self.request(comparison),
            ask,
            read=parse_verdict,
            is_readable=lambda letter: letter is not None,
            attempts=self.settings.attempts,
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
