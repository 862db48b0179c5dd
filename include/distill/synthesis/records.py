"""Define the records of synthesis: rejected output, failed rows, and the results of the teacher's tasks."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from include.distill.curation.records import RejectedPair, SynthesisTotals
from include.distill.inference.records import UnreadablePair


class RejectedOutput(UnreadablePair):
    """A part of a teacher's output that is not a pair. Stored in ``synthetic/rejected-<shard>.jsonl``."""

    row_id: str
    filter: Literal["malformed"]
    surplus: NotRequired[Literal[True]]  # above the requested number, so not counted as rejected


class FailedRowText(TypedDict):
    """``text`` of a :class:`FailedRow`: the question of the row that failed."""

    question: str


class FailedRow(TypedDict):
    """
    One row that the model did not answer. Stored in ``synthetic/rejected-<shard>.jsonl``.

    Tasks of ``answer`` and ``judge`` do not store it, but list it in their error message.
    """

    row_id: str
    reason: str  # class name of the error
    message: str
    text: FailedRowText


# Every kind of line in ``synthetic/rejected-<shard>.jsonl``.
SynthesisReject = RejectedPair | RejectedOutput | FailedRow


class SynthesisManifest(SynthesisTotals):
    """Result of one task of ``synthesize`` for one shard. Passed by XCom only."""
