"""Define the records of synthesis: rejected output, failed rows, and the results of the teacher's tasks."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from include.distill.curation.records import RejectedPair, SynthesisTotals
from include.distill.inference.records import UnreadablePair


class RejectedOutput(UnreadablePair):
    """A part of a teacher's output that is not a pair. The record is stored in ``synthetic/rejected-<shard>.jsonl``."""

    row_id: str
    filter: Literal["malformed"]
    surplus: NotRequired[Literal[True]]  # exceeds the requested number, so it is not counted as rejected


class FailedRowText(TypedDict):
    """``text`` of a :class:`FailedRow`: the question of the row that failed."""

    question: str


class FailedRow(TypedDict):
    """
    One row for which the model gave no answer. The record is stored in ``synthetic/rejected-<shard>.jsonl``.

    The tasks of ``answer`` and ``judge`` do not store failed rows. They list the rows in their error messages.
    """

    row_id: str
    reason: str  # class name of the error
    message: str
    text: FailedRowText


# Every kind of line in ``synthetic/rejected-<shard>.jsonl``.
SynthesisReject = RejectedPair | RejectedOutput | FailedRow


class SynthesisManifest(SynthesisTotals):
    """Result of one task of ``synthesize`` for one shard. The record is passed through XCom only."""
