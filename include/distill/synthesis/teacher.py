"""
Have the teacher write new training pairs for each row, and keep the pairs that pass the filters and the critic.

Pairs are counted so that ``requested = accepted + rejected + missing``. If the model writes fewer pairs than requested,
the rest are counted as ``missing``. A later round may request replacements for rejected pairs. Pairs beyond the
requested number are counted as ``surplus``. They are stored with a reason, but are left out of the other counts.
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

# Sent to teachers that support structured output. The prompt names the same keys, for teachers that do not.
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
OTHER_PAIRS = (
    "You have replied {} times to requests about this document. The pairs of your last reply did not follow the rules"
    " above. Write other pairs."
)
SURPLUS = Rejection("surplus", "surplus", "More pairs were written than requested.")
# Filtering takes more processor time than sending a request. Only one thread filters at a time. Otherwise, a thread
# that is ready to send its next request would have to share the processor with many filtering threads.
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
        Return the request for new pairs from ``row``.

        :param pairs: number of pairs; by default ``settings.pairs_per_document``.
        :param avoid: earlier questions that the teacher should not repeat.
        :param sample: number of requests already sent for this row.
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
    The pairs that the teacher wrote for one row, all of the teacher's raw responses, and the critic's verdicts.

    :param requested: number of pairs that the use case requests.
    :param answers: all responses of the teacher, readable or not.
    :param verdicts: the critic's verdicts on the undecided pairs that passed the filters.
    """

    requested: int
    accepted: list[Pair] = field(default_factory=list)
    rejected: list[RejectedPair | RejectedOutput] = field(default_factory=list)
    surplus: list[RejectedPair | RejectedOutput] = field(default_factory=list)
    answers: list[StoredAnswer] = field(default_factory=list)
    verdicts: list[CriticVerdict] = field(default_factory=list)

    @property
    def wanted(self) -> int:
        """Number of pairs that are still needed."""
        return self.requested - len(self.accepted)

    @property
    def missing(self) -> int:
        """Number of pairs that were requested but never written."""
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
    Have the teacher write new pairs for one row, and keep the pairs that pass the filters and the critic.

    There are up to ``settings.rounds`` rounds, until the row has enough pairs. Each round requests the pairs that are
    still needed. Its request lists the questions to avoid, and is sent up to ``settings.attempts`` times, until a
    response contains a readable pair. A retry of the task builds the same requests, so it reads the stored responses.
    Every pair gets the document of its row.

    :param ask: returns the stored response to a request. If no response is stored, it sends the request.
    :param critic: judges the pairs that pass the filters and that the grounding check leaves undecided.
    """
    settings = teacher.settings
    samples, row_filters = SyntheticSamples(settings.pairs_per_document), filters.for_row(row)
    for _ in range(settings.rounds):
        if not samples.wanted:
            break
        request = _next_request(teacher, row, samples, avoid=row_filters.accepted_questions)
        reply = ask_until_readable(
            request,
            ask,
            read=parse_llm_output,
            is_readable=lambda output: bool(output.pairs),
            attempts=settings.attempts,
            expected="one JSON object with the list pairs" if request.schema else "one JSON object per line",
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
    # For each pair that is still needed, one rejected pair is counted as rejected. The other rejected pairs become
    # surplus: a later round replaced them, or the model wrote too many pairs.
    samples.surplus += samples.rejected[samples.wanted :]
    del samples.rejected[samples.wanted :]
    return samples


def _next_request(teacher: Teacher, row: Row, samples: SyntheticSamples, *, avoid: Sequence[str]) -> ModelRequest:
    replies = len(samples.answers)
    request = teacher.request(row, pairs=samples.wanted, avoid=avoid, sample=replies)
    # If the last round accepted no pair, the prompt is repeated, and at temperature 0 the reply would be repeated too.
    is_repeated = any(answer.request.user == request.user for answer in samples.answers)
    return request.with_line(OTHER_PAIRS.format(replies)) if is_repeated else request


def _add_pair(
    samples: SyntheticSamples, row: Row, pair: WrittenPair, filters: RowFilters, critic: Critic | None
) -> None:
    """Add ``pair`` to the accepted, rejected or surplus pairs."""
    if not samples.wanted:
        samples.surplus.append(SURPLUS.as_record(row["row_id"], pair))
        return
    candidate = filters.candidate(pair)
    with _FILTERING:
        rejection = filters.check(candidate)
        is_undecided = rejection is None and candidate.grounding.outcome == "undecided"
    verdict = critic.judge(pair, row["document"]) if critic and is_undecided else None
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
        "grounding": round(candidate.grounding.coverage, 3),
        "question": pair["question"],
        "answer": pair["answer"],
        "topic": pair["topic"],
    }
    if verdict:
        accepted["critic"] = verdict.label
    if is_undecided and not (verdict and verdict.label == "grounded"):
        accepted["undecided"] = sorted({absence.reason for absence in candidate.grounding.absences})
    samples.accepted.append(accepted)


def count_samples(samples: Iterable[SyntheticSamples]) -> SampleCounts:
    """Sum the counts of several rows, and count their rejected pairs by filter."""
    counts: SampleCounts = {
        "documents": 0, "requested": 0, "accepted": 0, "rejected": 0, "missing": 0, "surplus": 0, "undecided": 0,
        "dropped": {},
    }  # fmt: skip
    dropped: Counter[str] = Counter()
    for sample in samples:
        counts["documents"] += 1
        counts["requested"] += sample.requested
        counts["accepted"] += len(sample.accepted)
        counts["rejected"] += len(sample.rejected)
        counts["missing"] += sample.missing
        counts["surplus"] += len(sample.surplus)
        counts["undecided"] += sum("undecided" in pair for pair in sample.accepted)
        dropped.update(rejected["filter"] for rejected in sample.rejected)
    counts["dropped"] = dict(sorted(dropped.items()))
    return counts
