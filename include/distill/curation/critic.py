"""
Ask the critic, a model, whether a pair's document supports its answer, after every filter has passed the pair.

An answer without a readable verdict is asked again, then counted as unparsable; it is never taken for a verdict. A
pair that the critic's budget does not reach is counted as not looked at. ``docs/reference/curation.md`` says which of
them are trained on, and why.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from include.distill.config.catalog import Model
from include.distill.config.prompts import Prompt
from include.distill.config.sections import CriticSettings
from include.distill.core.errors import SpendCapError
from include.distill.curation.records import CriticCountName, CriticCounts, GroundingVerdict, SynthesisTotals
from include.distill.curation.rejection import Rejection
from include.distill.inference.answer_store import StoredAnswer, UsageCounter, ask_until_readable
from include.distill.inference.output_parsing import parse_grounding
from include.distill.inference.records import QuestionAnswer
from include.distill.inference.requests import ModelRequest

CHECKED_LABELS: tuple[GroundingVerdict, ...] = ("grounded", "ungrounded", "unparsable")
CRITIC_LABELS: tuple[GroundingVerdict, ...] = (*CHECKED_LABELS, "not_looked_at")

# Sent to models that take a schema. The prompt asks all others for the same JSON object.
GROUNDING_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "reason": {"type": "string"},
            "verdict": {"type": "string", "enum": ["GROUNDED", "UNGROUNDED"]},
        },
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    }
)


@dataclass(frozen=True)
class CriticVerdict:
    """
    The critic's verdict on one pair.

    :param raw: text of the last answer.
    :param answers: every answer that led to it.
    """

    label: GroundingVerdict
    raw: str = ""
    answers: list[StoredAnswer] = field(default_factory=list)


def _ask_nobody(request: ModelRequest) -> NoReturn:
    message = f"A critic without `ask` was to judge with {request.model.key}. Nothing was sent. Give it `ask`."
    raise RuntimeError(message)


@dataclass(frozen=True)
class Critic:
    """
    A model that judges pairs.

    :param ask: sends a request; raises :class:`SpendCapError` when the budget does not reach for it. Only
        :meth:`judge` needs it.
    """

    model: Model
    prompt: Prompt
    settings: CriticSettings
    ask: Callable[[ModelRequest], StoredAnswer] = _ask_nobody

    def request(self, pair: QuestionAnswer, document: str) -> ModelRequest:
        """Return the request for a verdict on ``pair``."""
        return ModelRequest(
            model=self.model,
            identity=self.model.inference_id,
            invoke_id=self.model.inference_id,
            user=self.prompt.render(document=document, question=pair["question"], answer=pair["answer"]),
            max_tokens=self.settings.max_tokens,
            temperature=self.settings.temperature,
            json_schema=GROUNDING_SCHEMA,
        )

    def judge(self, pair: QuestionAnswer, document: str) -> CriticVerdict:
        """Ask until a verdict can be read, at most ``settings.attempts`` times, or until the budget ends."""
        answers: list[StoredAnswer] = []

        def ask(request: ModelRequest) -> StoredAnswer:
            answers.append(self.ask(request))
            return answers[-1]

        try:
            reply = ask_until_readable(
                self.request(pair, document),
                ask,
                read=parse_grounding,
                is_readable=bool,
                attempts=self.settings.attempts,
            )
        except SpendCapError:
            if not answers:
                return CriticVerdict("not_looked_at")
            # The budget ended after an answer without a verdict. The pair was looked at, so it is not "not_looked_at".
            return CriticVerdict("unparsable", answers[-1].completion.text, answers)
        return CriticVerdict(reply.parsed or "unparsable", answers[-1].completion.text, answers)

    def rejection(self, verdict: CriticVerdict) -> Rejection | None:
        """Return why the pair is not used, or ``None`` when it was found grounded or was not looked at."""
        findings = {"ungrounded": "finds the answer ungrounded", "unparsable": "gave no readable verdict"}
        if verdict.label not in findings:
            return None
        message = f"{self.model.key} {findings[verdict.label]}: it said {verdict.raw[:300]!r}."
        return Rejection("critic", verdict.label, message)


class CriticCounter:
    """Count verdicts, and the calls and tokens that ``run_key`` paid for them."""

    def __init__(self, run_key: str) -> None:
        self._verdicts: Counter[GroundingVerdict] = Counter()
        self._usage = UsageCounter(run_key)

    def add(self, verdicts: Iterable[CriticVerdict]) -> None:
        """Count ``verdicts``."""
        for verdict in verdicts:
            self._verdicts[verdict.label] += 1
            self._usage.add(verdict.answers)

    def as_record(self) -> CriticCounts:
        """Return the counts as manifests hold them: verdicts in pairs, calls, and tokens."""
        usage = self._usage.usage
        return {
            "grounded": self._verdicts["grounded"],
            "ungrounded": self._verdicts["ungrounded"],
            "unparsable": self._verdicts["unparsable"],
            "not_looked_at": self._verdicts["not_looked_at"],
            "calls": usage.calls,
            "cache_hits": usage.cache_hits,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "simulated": usage.simulated,
        }


def sum_critic_counts(manifests: Iterable[SynthesisTotals]) -> CriticCounts | None:
    """Return the sums of the critic's counts over several tasks; ``None`` when no task had a critic."""
    critics = [manifest["critic"] for manifest in manifests if manifest.get("critic")]
    if not critics:
        return None

    def total(name: CriticCountName) -> int:
        return sum(counts[name] for counts in critics)

    return {
        "grounded": total("grounded"),
        "ungrounded": total("ungrounded"),
        "unparsable": total("unparsable"),
        "not_looked_at": total("not_looked_at"),
        "calls": total("calls"),
        "cache_hits": total("cache_hits"),
        "input_tokens": total("input_tokens"),
        "output_tokens": total("output_tokens"),
        "simulated": any(counts["simulated"] for counts in critics),
    }
