"""
The critic: a model that says of a pair whether its document supports the answer, after every measured filter.

What it says is a verdict or none. An answer that cannot be read is asked again, then counted as unparsable and never
taken for one or the other; a pair that the budget did not reach is counted as not looked at.
``docs/reference/curation.md`` says which of them are trained on, and why.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from include.distill.config.catalog import Model
from include.distill.config.prompts import Prompt
from include.distill.config.sections import CriticSettings
from include.distill.core.errors import SpendCapError
from include.distill.core.storage import Record
from include.distill.curation.filters import Rejection
from include.distill.inference.answer_store import StoredAnswer, UsageCounter, ask_until_readable
from include.distill.inference.output_parsing import parse_grounding
from include.distill.inference.requests import ModelRequest

CriticLabel = Literal["grounded", "ungrounded", "unparsable", "not_looked_at"]
CHECKED_LABELS: tuple[CriticLabel, ...] = ("grounded", "ungrounded", "unparsable")
CRITIC_LABELS: tuple[CriticLabel, ...] = (*CHECKED_LABELS, "not_looked_at")
CRITIC_COUNTERS = (*CRITIC_LABELS, "calls", "cache_hits", "input_tokens", "output_tokens")

# What a critic that can be held to a schema must answer; of the others the prompt asks the same in words.
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
    """What the critic said of one pair, and every answer on the way; ``raw`` is the last one."""

    label: CriticLabel
    raw: str = ""
    answers: list[StoredAnswer] = field(default_factory=list)


def critic_request(
    pair: Mapping[str, Any], document: str, *, critic: Model, prompt: Prompt, settings: CriticSettings
) -> ModelRequest:
    """Return the question that asks the critic about ``pair``."""
    return ModelRequest(
        model=critic,
        identity=critic.inference_id,
        invoke_id=critic.inference_id,
        user=prompt.render(document=document, question=pair["question"], answer=pair["answer"]),
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        json_schema=GROUNDING_SCHEMA,
    )


@dataclass(frozen=True)
class Critic:
    """
    Looks at pairs.

    :param ask: raises :class:`SpendCapError` when the budget does not reach for a question.
    """

    model: Model
    prompt: Prompt
    settings: CriticSettings
    ask: Callable[[ModelRequest], StoredAnswer]

    def judge(self, pair: Mapping[str, Any], document: str) -> CriticVerdict:
        """Ask until a verdict can be read, ``settings.attempts`` times at most, or the budget ends."""
        answers: list[StoredAnswer] = []

        def ask(request: ModelRequest) -> StoredAnswer:
            answers.append(self.ask(request))
            return answers[-1]

        request = critic_request(pair, document, critic=self.model, prompt=self.prompt, settings=self.settings)
        try:
            reply = ask_until_readable(
                request, ask, read=parse_grounding, is_readable=bool, attempts=self.settings.attempts
            )
        except SpendCapError:
            # The first answer could not be read, and there is no money for a second: it was looked at all the same.
            return (
                CriticVerdict("unparsable", answers[-1].completion.text, answers)
                if answers
                else CriticVerdict("not_looked_at")
            )
        return CriticVerdict(reply.parsed or "unparsable", answers[-1].completion.text, answers)

    def rejection(self, verdict: CriticVerdict) -> Rejection | None:
        """Return why a pair is not used, or ``None`` when it is: grounded, or not looked at."""
        faults = {"ungrounded": "finds the answer ungrounded", "unparsable": "gave no verdict that can be read"}
        if verdict.label not in faults:
            return None
        return Rejection(
            "critic", verdict.label, f"{self.model.key} {faults[verdict.label]}: it said {verdict.raw[:300]!r}."
        )


class CriticCounter:
    """What the critic said of many pairs and what that cost, counted as it comes."""

    def __init__(self, run_key: str) -> None:
        self._verdicts: Counter[str] = Counter()
        self._usage = UsageCounter(run_key)

    def add(self, verdicts: Iterable[CriticVerdict]) -> None:
        """Count ``verdicts``."""
        for verdict in verdicts:
            self._verdicts[verdict.label] += 1
            self._usage.add(verdict.answers)

    def as_record(self) -> Record:
        """Return the counts as they stand in a manifest: verdicts in pairs, and usage."""
        counts = {**asdict(self._usage.usage), **self._verdicts}
        return {**{name: counts.get(name, 0) for name in CRITIC_COUNTERS}, "simulated": counts["simulated"]}


def sum_critic_counts(manifests: Iterable[Mapping[str, Any]]) -> Record | None:
    """Return the sums of what the critic said to several tasks; ``None`` when none of them had one."""
    critics = [manifest["critic"] for manifest in manifests if manifest.get("critic")]
    if not critics:
        return None
    sums = {name: sum(counts[name] for counts in critics) for name in CRITIC_COUNTERS}
    return {**sums, "simulated": any(counts["simulated"] for counts in critics)}
