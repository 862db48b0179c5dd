"""Define the records of synthesis: what the teacher's tasks could not use, and their result."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from include.distill.curation.records import RejectedPair, SynthesisTotals
from include.distill.inference.records import UnreadablePair


class RejectedOutput(UnreadablePair):
    """A part of a teacher's output that is not a pair. Stored in ``synthetic/rejected-<shard>.jsonl``."""

    row_id: str
    filter: Literal["malformed"]
    surplus: NotRequired[Literal[True]]  # beyond the number asked for, so not counted as rejected


class FailedRowText(TypedDict):
    """``text`` of a :class:`FailedRow`: the question of the row that failed."""

    question: str


class FailedRow(TypedDict):
    """
    One row that no model answered. Stored in ``synthetic/rejected-<shard>.jsonl``.

    Tasks of ``answer`` and ``judge`` make it only for their error message.
    """

    row_id: str
    reason: str  # class name of the error
    message: str
    text: FailedRowText


# Every kind of line in ``synthetic/rejected-<shard>.jsonl``.
SynthesisReject = RejectedPair | RejectedOutput | FailedRow


class SynthesisManifest(SynthesisTotals):
    """Result of one task of ``synthesize``, for its shard. Passed by XCom only."""
