"""
Have a second model, the critic, check the pairs that pass all filters but are left undecided by the grounding check.

The critic checks whether the document supports the answer of a pair. If the critic's output has no readable verdict,
the request is repeated. If no output has a readable verdict, the pair is counted as ``unparsable``. A pair that is not
checked because the critic's budget is used up is counted as ``not_looked_at``. ``docs/reference/curation.md`` describes
which of these pairs are used for training, and why.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from include.distill.config.catalog import Model
from include.distill.config.prompts import Prompt
from include.distill.config.sections import CriticSettings
from include.distill.core.errors import SpendCapError
from include.distill.curation.records import CriticCountName, CriticCounts, GroundingVerdict, SynthesisTotals
from include.distill.curation.rejection import Rejection
from include.distill.inference.answer_store import StoredAnswer, UsageCounter, ask_until_readable
from include.distill.inference.records import QuestionAnswer
from include.distill.inference.requests import ModelRequest
from include.distill.inference.verdict_parsing import parse_grounding

CHECKED_LABELS: tuple[GroundingVerdict, ...] = ("grounded", "ungrounded", "unparsable")
CRITIC_LABELS: tuple[GroundingVerdict, ...] = (*CHECKED_LABELS, "not_looked_at")

# Sent to models that support structured output. The prompt describes the same JSON object for all other models.
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

    :param raw: text of the critic's last output.
    """

    label: GroundingVerdict
    raw: str = ""


def _refuse_request(request: ModelRequest) -> NoReturn:
    message = f"A Critic without `ask` cannot call {request.model.key}. Nothing was sent. Pass `ask` to the Critic."
    raise RuntimeError(message)


@dataclass(frozen=True)
class Critic:
    """
    The model that checks whether a document supports a pair's answer, with its prompt and settings.

    :param ask: sends a request, and raises :class:`SpendCapError` if the budget does not cover the request. Only
        :meth:`judge` calls this function.
    """

    model: Model
    prompt: Prompt
    settings: CriticSettings
    ask: Callable[[ModelRequest], StoredAnswer] = _refuse_request

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
        """
        Call the critic until its output contains a readable verdict, at most ``settings.attempts`` times.

        If the budget runs out first, the verdict is ``unparsable`` if there was any output, and ``not_looked_at``
        otherwise.
        """
        outputs: list[str] = []

        def ask(request: ModelRequest) -> StoredAnswer:
            answer = self.ask(request)
            outputs.append(answer.completion.text)
            return answer

        try:
            reply = ask_until_readable(
                self.request(pair, document),
                ask,
                read=parse_grounding,
                is_readable=bool,
                attempts=self.settings.attempts,
                expected="one JSON object",
            )
        except SpendCapError:
            if not outputs:
                return CriticVerdict("not_looked_at")
            # The budget ran out after an unreadable output. The critic did check the pair, so "not_looked_at" would be
            # wrong.
            return CriticVerdict("unparsable", outputs[-1])
        return CriticVerdict(reply.parsed or "unparsable", outputs[-1])

    def rejection(self, verdict: CriticVerdict) -> Rejection | None:
        """Return why the pair is not used, or ``None`` if its verdict is ``grounded`` or ``not_looked_at``."""
        findings = {"ungrounded": "rated the answer as ungrounded", "unparsable": "gave no readable verdict"}
        if verdict.label not in findings:
            return None
        message = f"{self.model.key} {findings[verdict.label]}. Its output: {verdict.raw[:300]!r}."
        return Rejection("critic", verdict.label, message)


class CriticCounter:
    """Count the critic's verdicts, and the calls and tokens that the run ``run_key`` paid for."""

    def __init__(self, run_key: str) -> None:
        self._verdicts: Counter[GroundingVerdict] = Counter()
        self._usage = UsageCounter(run_key)

    def add(self, verdicts: Iterable[CriticVerdict]) -> None:
        """Count ``verdicts``. This does not count the calls and tokens; :meth:`counted` counts them."""
        self._verdicts.update(verdict.label for verdict in verdicts)

    def counted(self, ask: Callable[[ModelRequest], StoredAnswer]) -> Callable[[ModelRequest], StoredAnswer]:
        """Return a function that calls ``ask`` and counts each of the critic's answers when it arrives."""
        return self._usage.counted(ask)

    def as_record(self) -> CriticCounts:
        """Return the number of pairs for each verdict, the calls and the tokens, as they appear in the manifest."""
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
    """Return the sums of the critic's counts over several tasks, or ``None`` if no task used a critic."""
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
