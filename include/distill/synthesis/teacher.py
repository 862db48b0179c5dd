"""
Ask the teacher for new training pairs on each row, and keep what passes the filters and the critic.

Counts are in pairs: ``requested = accepted + rejected + missing``. A model may write fewer pairs than requested
(missing) or more. Rejected pairs may be requested again. Whatever exceeds the request in the end is surplus: it is
stored with its reason and never counted as requested.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from include.distill.config.catalog import Model
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Synthesis
from include.distill.curation.critic import Critic, CriticVerdict
from include.distill.curation.filters import PairFilters, RowFilters
from include.distill.curation.records import Pair, RejectedPair, SampleCounts
from include.distill.curation.rejection import Rejection
from include.distill.dataset.records import Row
from include.distill.inference.answer_store import StoredAnswer, ask_until_readable
from include.distill.inference.output_parsing import parse_llm_output
from include.distill.inference.records import WrittenPair
from include.distill.inference.requests import ModelRequest
from include.distill.synthesis.records import RejectedOutput

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
SURPLUS = Rejection("surplus", "surplus", "More pairs were written than requested.")
# Filters take more processor time than the request. Pairs are filtered one at a time, so that a thread that is ready to
# send its next request does not wait behind many of them.
_FILTERING = threading.Lock()


@dataclass(frozen=True)
class Teacher:
    """A model that writes pairs, with its prompt and settings."""

    model: Model
    prompt: Prompt
    settings: Synthesis

    def request(
        self, row: Row, *, pairs: int | None = None, avoid: Sequence[str] = (), sample: int = 0
    ) -> ModelRequest:
        """
        Return the request for pairs on ``row``.

        :param pairs: how many; by default ``settings.pairs_per_document``.
        :param avoid: questions that the teacher has written already.
        :param sample: number of requests sent for this row before.
        """
        user = self.prompt.render(
            document=row["document"],
            question=row["question"],
            answer=row["answer"],
            pairs=pairs or self.settings.pairs_per_document,
            avoid=list(avoid),
        )
        return ModelRequest(
            model=self.model,
            identity=self.model.inference_id,
            invoke_id=self.model.inference_id,
            user=user,
            max_tokens=self.settings.max_tokens,
            temperature=self.settings.temperature,
            sample=sample,
            json_schema=PAIRS_SCHEMA if self.model.teacher_json_schema else "",
        )


@dataclass
class SyntheticSamples:
    """
    The result of one row.

    :param requested: pairs that the use case asks for.
    :param answers: every answer of the teacher.
    :param verdicts: the critic's, on every pair that passed the filters.
    """

    requested: int
    accepted: list[Pair] = field(default_factory=list)
    rejected: list[RejectedPair | RejectedOutput] = field(default_factory=list)
    surplus: list[RejectedPair | RejectedOutput] = field(default_factory=list)
    answers: list[StoredAnswer] = field(default_factory=list)
    verdicts: list[CriticVerdict] = field(default_factory=list)

    @property
    def wanted(self) -> int:
        """Pairs that are still to be accepted."""
        return self.requested - len(self.accepted)

    @property
    def missing(self) -> int:
        """Pairs that were requested and never written."""
        return self.wanted - len(self.rejected)


def create_synthetic_samples(
    row: Row,
    *,
    teacher: Teacher,
    filters: PairFilters,
    ask: Callable[[ModelRequest], StoredAnswer],
    critic: Critic | None = None,
) -> SyntheticSamples:
    """
    Ask the teacher for new pairs on one row, read its answer and keep what passes the filters.

    An answer without a readable pair is asked again, up to ``settings.attempts`` times. While pairs are wanted, the
    teacher is asked for the rest and shown the questions it has written, up to ``settings.rounds`` times in all. A
    retry makes the same requests, so it finds the stored answers. Every pair gets the document of its row.

    :param ask: returns the stored answer to a request, or sends it.
    :param critic: judges pairs that pass the filters.
    """
    settings = teacher.settings
    samples, row_filters = SyntheticSamples(settings.pairs_per_document), filters.for_row(row)
    for _ in range(settings.rounds):
        if not samples.wanted:
            break
        request = teacher.request(
            row, pairs=samples.wanted, avoid=row_filters.accepted_questions, sample=len(samples.answers)
        )
        reply = ask_until_readable(
            request,
            ask,
            read=parse_llm_output,
            is_readable=lambda output: bool(output.pairs),
            attempts=settings.attempts,
        )
        samples.answers += reply.answers
        for unreadable in reply.parsed.rejected:
            rejected: RejectedOutput = {
                "row_id": row["row_id"],
                "filter": "malformed",
                "reason": unreadable["reason"],
                "message": unreadable["message"],
                "text": unreadable["text"],
            }
            samples.rejected.append(rejected)
        for pair in reply.parsed.pairs:
            _add_pair(samples, row, pair, row_filters, critic)
    # Only as many as were requested are counted. A further round may have replaced rejected pairs, and a model may have
    # written too many.
    samples.surplus += samples.rejected[samples.wanted :]
    del samples.rejected[samples.wanted :]
    return samples


def _add_pair(
    samples: SyntheticSamples, row: Row, pair: WrittenPair, filters: RowFilters, critic: Critic | None
) -> None:
    """Add ``pair`` to the accepted, rejected or surplus ones."""
    if not samples.wanted:
        samples.surplus.append(SURPLUS.as_record(row["row_id"], pair))
        return
    candidate = filters.candidate(pair)
    with _FILTERING:
        rejection = filters.check(candidate)
    verdict = critic.judge(pair, row["document"]) if critic and rejection is None else None
    if critic and verdict:
        samples.verdicts.append(verdict)
        rejection = critic.rejection(verdict)
    if rejection:
        samples.rejected.append(rejection.as_record(row["row_id"], pair))
        return
    accepted: Pair = {
        "row_id": row["row_id"],
        "pair": len(samples.accepted),
        "document": row["document"],
        "grounding": round(candidate.grounding, 3),
        "critic": verdict.label if verdict else "not_looked_at",
        "question": pair["question"],
        "answer": pair["answer"],
        "topic": pair["topic"],
    }
    if verdict is None:
        del accepted["critic"]  # absent where the use case has no critic
    samples.accepted.append(accepted)


def count_samples(samples: Iterable[SyntheticSamples]) -> SampleCounts:
    """Return the counts of several rows together, and the number of rejected pairs by filter."""
    counts: SampleCounts = {
        "documents": 0, "requested": 0, "accepted": 0, "rejected": 0, "missing": 0, "surplus": 0, "dropped": {},
    }  # fmt: skip
    dropped: Counter[str] = Counter()
    for sample in samples:
        counts["documents"] += 1
        counts["requested"] += sample.requested
        counts["accepted"] += len(sample.accepted)
        counts["rejected"] += len(sample.rejected)
        counts["missing"] += sample.missing
        counts["surplus"] += len(sample.surplus)
        dropped.update(rejected["filter"] for rejected in sample.rejected)
    counts["dropped"] = dict(sorted(dropped.items()))
    return counts
