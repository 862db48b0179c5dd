"""
New training pairs from the teacher: three per row, on topics other than the row's own.

The unit is the pair: ``requested = accepted + rejected + missing``. A model may return fewer than asked (missing) or
more (surplus, kept apart and never counted as requested).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from include.distill.catalog import Model
from include.distill.invocation import ModelRequest
from include.distill.parsing import ParsedOutput, parse_llm_output
from include.distill.prompts import Prompt
from include.distill.responses import PaidAnswer, ask_until_readable
from include.distill.storage import Record
from include.distill.text import normalised
from include.distill.use_case_sections import Synthesis


@dataclass(frozen=True)
class SyntheticSamples:
    """What came of one row: pairs, rejects with reasons and raw text, and the counts."""

    requested: int
    accepted: list[Record]
    rejected: list[Record]
    surplus: list[Record]
    answers: list[PaidAnswer] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Pairs that were asked for and never written."""
        return self.requested - len(self.accepted) - len(self.rejected)


def synthesis_request(row: Record, *, teacher: Model, prompt: Prompt, settings: Synthesis) -> ModelRequest:
    """Return the question that asks the teacher for pairs on ``row``."""
    user = prompt.render(
        document=row["document"],
        question=row["question"],
        answer=row["answer"],
        pairs=settings.pairs_per_document,
        avoid=[],
    )
    return ModelRequest(
        model=teacher,
        identity=teacher.inference_id,
        invoke_id=teacher.inference_id,
        user=user,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
    )


def create_synthetic_samples(
    row: Record,
    *,
    teacher: Model,
    prompt: Prompt,
    settings: Synthesis,
    ask: Callable[[ModelRequest], PaidAnswer],
) -> SyntheticSamples:
    """
    Ask the teacher for new pairs on one row and read its answer.

    An answer in which no pair can be read is asked again, up to ``settings.attempts`` times; a partly good one is
    taken as it is. The document is carried over to every pair.
    """
    asked = ask_until_readable(
        synthesis_request(row, teacher=teacher, prompt=prompt, settings=settings),
        ask,
        read=lambda text: parse_llm_output(text, limit=settings.pairs_per_document),
        is_readable=lambda output: bool(output.pairs),
        attempts=settings.attempts,
    )
    return _sort_out(row, asked.result, settings.pairs_per_document, asked.answers)


def _sort_out(row: Record, output: ParsedOutput, requested: int, answers: list[PaidAnswer]) -> SyntheticSamples:
    accepted: list[Record] = []
    rejected = [{"row_id": row["row_id"], **reject} for reject in output.rejected]
    asked = {_asked_as(row["question"])}
    for pair in output.pairs:
        if _asked_as(pair["question"]) in asked:
            rejected.append(_repeated(row, pair))
            continue
        asked.add(_asked_as(pair["question"]))
        accepted.append({"row_id": row["row_id"], "pair": len(accepted), "document": row["document"], **pair})
    # A model may write more than was asked, in good and bad records alike: only as many as asked are counted.
    room = requested - len(accepted)
    surplus = [{"row_id": row["row_id"], **pair} for pair in output.surplus] + rejected[room:]
    return SyntheticSamples(requested, accepted, rejected[:room], surplus, answers)


def _repeated(row: Record, pair: Record) -> Record:
    return {
        "row_id": row["row_id"],
        "reason": "repeated_question",
        "message": "The question repeats the row's own or an earlier one of this answer; expected a new one.",
        "text": pair,
    }


def _asked_as(text: str) -> str:
    # Only what ends a question is dropped: "C++?" and "C#?" differ, and so do vowel signs, which are no letters to re.
    return normalised(text).rstrip(" ?!.")


def count_samples(samples: Iterable[SyntheticSamples]) -> dict[str, int]:
    """Return the counts of several rows together, as in ``report.json``'s ``synthesis``."""
    counts = dict.fromkeys(("documents", "requested", "accepted", "rejected", "missing", "surplus"), 0)
    for sample in samples:
        counts["documents"] += 1
        counts["requested"] += sample.requested
        counts["accepted"] += len(sample.accepted)
        counts["rejected"] += len(sample.rejected)
        counts["missing"] += sample.missing
        counts["surplus"] += len(sample.surplus)
    return counts
