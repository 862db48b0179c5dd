"""Define the records of synthesis: unreadable output, failed rows, and the results of the task ``synthesize``."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from include.distill.curation.records import RejectedPair, SynthesisTotals
from include.distill.inference.records import UnreadablePair


class RejectedOutput(UnreadablePair):
    """
    A part of the teacher's output that cannot be read as a pair.

    The record is stored in ``synthetic/rejected-<shard>.jsonl``.
    """

    row_id: str
    filter: Literal["malformed"]
    surplus: NotRequired[Literal[True]]  # present only if the part is surplus, which is not counted as rejected


class FailedRowText(TypedDict):
    """The field ``text`` of a :class:`FailedRow`. It contains the question of the failed row."""

    question: str


class FailedRow(TypedDict):
    """
    One row for which the model gave no answer. The record is stored in ``synthetic/rejected-<shard>.jsonl``.

    The tasks ``answer`` and ``judge`` do not store failed rows, but list them in their error messages.
    """

    row_id: str
    reason: str  # class name of the error
    code: NotRequired[str]  # AWS's error code, empty if AWS gave none; earlier versions did not store it
    message: str
    advice: NotRequired[str]  # what to do about the error; earlier versions did not store it
    text: FailedRowText


# Every kind of line in ``synthetic/rejected-<shard>.jsonl``.
SynthesisReject = RejectedPair | RejectedOutput | FailedRow


class SynthesisManifest(SynthesisTotals):
    """Result of the task ``synthesize`` for one shard. The record is passed through XCom only."""
