"""
New training pairs from the teacher: three per row, on topics other than the row's own.

The unit is the pair: ``requested = accepted + rejected + missing``. A model may return fewer than asked (missing) or
more; what filters drop may be asked for again. What is beyond the request in the end, good or bad, is surplus: kept
apart, with its reason, and never counted as requested.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.distill.config.catalog import Model
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Synthesis
from include.distill.core.storage import Record
from include.distill.curation.critic import Critic, CriticVerdict
from include.distill.curation.filters import PairFilter, PairFilterFactory, Rejection, rejection_record
from include.distill.inference.answer_store import StoredAnswer, ask_until_readable
from include.distill.inference.output_parsing import ParsedOutput, parse_llm_output
from include.distill.inference.requests import ModelRequest

# The reply of a teacher that supports structured output. The prompt asks all others for the same keys in words.
PAIRS_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "pairs": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {key: {"type": "string"} for key in ("question", "answer", "topic")},
                    "required": ["question", "answer", "topic"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["pairs"],
        "additionalProperties": False,
    }
)


@dataclass
class SyntheticSamples:
    """
    What came of one row: pairs, rejects and surplus with reasons and text, and the answers they came from.

    ``verdicts`` are the critic's, at every pair that passed the measured filters.
    """

    requested: int
    accepted: list[Record] = field(default_factory=list)
    rejected: list[Record] = field(default_factory=list)
    surplus: list[Record] = field(default_factory=list)
    answers: list[StoredAnswer] = field(default_factory=list)
    verdicts: list[CriticVerdict] = field(default_factory=list)

    @property
    def wanted(self) -> int:
        """Pairs that are still asked for."""
        return self.requested - len(self.accepted)

    @property
    def missing(self) -> int:
        """Pairs that were asked for and never written."""
        return self.wanted - len(self.rejected)


def synthesis_request(
    row: Record,
    *,
    teacher: Model,
    prompt: Prompt,
    settings: Synthesis,
    pairs: int | None = None,
    avoid: Sequence[str] = (),
    sample: int = 0,
) -> ModelRequest:
    """
    Return the question that asks the teacher for pairs on ``row``.

    :param pairs: how many, if not ``settings.pairs_per_document``.
    :param avoid: questions that it has written already.
    """
    user = prompt.render(
        document=row["document"],
        question=row["question"],
        answer=row["answer"],
        pairs=pairs or settings.pairs_per_document,
        avoid=list(avoid),
    )
    return ModelRequest(
        model=teacher,
        identity=teacher.inference_id,
        invoke_id=teacher.inference_id,
        user=user,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        sample=sample,
        json_schema=PAIRS_SCHEMA if teacher.teacher_json_schema else "",
    )


def create_synthetic_samples(
    row: Record,
    *,
    teacher: Model,
    prompt: Prompt,
    settings: Synthesis,
    filter_factory: PairFilterFactory,
    ask: Callable[[ModelRequest], StoredAnswer],
    critic: Critic | None = None,
) -> SyntheticSamples:
    """
    Ask the teacher for new pairs on one row, read its answer and keep what passes the filters.

    An answer in which no pair can be read is asked again, up to ``settings.attempts`` times. While pairs are wanted,
    up to ``settings.rounds`` times in all, the teacher is asked for as many as are left, told which questions it has
    written; a retry walks the same path through the stored answers. The document is carried over to every pair.

    :param critic: looks at what passes the measured filters.
    """
    samples, filters = SyntheticSamples(settings.pairs_per_document), filter_factory.for_row(row)
    for _ in range(settings.rounds):
        if not samples.wanted:
            break
        request = synthesis_request(
            row,
            teacher=teacher,
            prompt=prompt,
            settings=settings,
            pairs=samples.wanted,
            avoid=filters.kept,
            sample=len(samples.answers),
        )
        reply = ask_until_readable(
            request,
            ask,
            read=parse_llm_output,
            is_readable=lambda output: bool(output.pairs),
            attempts=settings.attempts,
        )
        samples.answers += reply.answers
        _apply_filters(row, reply.parsed, filters, samples, critic)
    # Only as many as were asked for are counted; what a further round replaced, or a model wrote too much, is not.
    samples.surplus += samples.rejected[samples.wanted :]
    del samples.rejected[samples.wanted :]
    return samples


# Filters take more of the processor than asking does. One pair at a time is measured, so that the next question need
# not wait for many.
_MEASURING = threading.Lock()


def _apply_filters(
    row: Record, output: ParsedOutput, filters: PairFilter, samples: SyntheticSamples, critic: Critic | None
) -> None:
    for reject in output.rejected:
        samples.rejected.append({"row_id": row["row_id"], "filter": "malformed", **reject})
    for pair in output.pairs:
        if not samples.wanted:
            samples.surplus.append(rejection_record(row["row_id"], SURPLUS, pair))
            continue
        with _MEASURING:
            rejection, grounding = filters.check(pair), round(filters.grounding, 3)
        checked: Record = {"grounding": grounding}
        if critic and rejection is None:
            samples.verdicts.append(verdict := critic.judge(pair, row["document"]))
            rejection, checked = critic.rejection(verdict), {**checked, "critic": verdict.label}
        if rejection:
            samples.rejected.append(rejection_record(row["row_id"], rejection, pair))
        else:
            kept = {"row_id": row["row_id"], "pair": len(samples.accepted), "document": row["document"]}
            samples.accepted.append({**kept, **checked, **pair})


SURPLUS = Rejection("surplus", "surplus", "More pairs were written than were asked for.")


def count_samples(samples: Iterable[SyntheticSamples]) -> dict[str, Any]:
    """Return the counts of several rows together, as in ``report.json``'s ``synthesis``, and drops by filter."""
    counts = dict.fromkeys(("documents", "requested", "accepted", "rejected", "missing", "surplus"), 0)
    dropped: Counter[str] = Counter()
    for sample in samples:
        counts["documents"] += 1
        counts["requested"] += sample.requested
        counts["accepted"] += len(sample.accepted)
        counts["rejected"] += len(sample.rejected)
        counts["missing"] += sample.missing
        counts["surplus"] += len(sample.surplus)
        dropped.update(reject["filter"] for reject in sample.rejected)
    return {**counts, "dropped": dict(sorted(dropped.items()))}
