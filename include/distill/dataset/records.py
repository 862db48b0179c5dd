"""Define the records of the dataset: rows, rejected rows, the stored split, and changes since the last run."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

# The text columns of a row.
Role = Literal["document", "question", "answer"]
# The side of the train/evaluation split that a document is on.
Side = Literal["train", "evaluation"]

RowRejectionReason = Literal[
    "truncated",
    "too_few_fields",
    "too_many_fields",
    "header_again",
    "control_character",
    "empty_field",
    "too_long",
    "duplicate",
    "in_evaluation_set",
    "document_in_evaluation_set",
    "bridges_sides",
]


class RowOrigin(TypedDict):
    """The location of a row in its file. Part of :class:`Row` and :class:`RejectedRow`."""

    row: int  # number of the record in its file, from 1, without the header
    line: int  # line in the file on which the record starts, from 1
    source: str  # name of the file, below the source folder


class RowTexts(TypedDict):
    """The three texts of a row, unchanged from its file. Part of :class:`Row`; ``text`` of a :class:`RejectedRow`."""

    document: str
    question: str
    answer: str


class UngroupedRow(RowOrigin, RowTexts):
    """One accepted row during ingestion, before its document group is known. Stored in a temporary file only."""

    row_id: str  # first 16 hex digits of the sha256 of the three texts
    group: NotRequired[str]  # text of the group column; absent when it is blank or not configured


class Row(RowOrigin, RowTexts):
    """
    One accepted row.

    Stored in ``source/train.jsonl``, ``source/evaluation.jsonl``, and in the shards ``shards/train-<number>.jsonl``
    and ``shards/evaluation-<number>.jsonl``.
    """

    row_id: str  # first 16 hex digits of the sha256 of the three texts
    group: str  # name of its document group, 16 hex digits; all rows of a group are on one side of every split


class RejectedRow(RowOrigin):
    """One record that the run does not use, with the reason. Stored in ``source/rejected.jsonl``."""

    column: Role | None  # None when the row as a whole is at fault
    reason: RowRejectionReason
    message: str  # names file, row and line, and gives advice
    text: str | RowTexts  # raw text of the record when its fields could not be separated


class SpooledRow(TypedDict):
    """One row between the two passes of ``ingest``. Stored in a temporary file only."""

    number: int  # number of its document, from 0; -1 for a rejected row
    part: Side | None  # side given by the file of the row; None when the split decides
    row: UngroupedRow | RejectedRow


class Grouped(TypedDict):
    """The part of a row that a split needs: rows of one ``group`` stay together. Bound of generic row functions."""

    group: str


class Identified(TypedDict):
    """A record that was made from a row, with the row's identity. Bound of generic pair functions."""

    row_id: str


class RowName(Grouped, Identified):
    """A row's identity and group, without its texts. Held in memory only."""


class RowLengths(Grouped):
    """A row with the length of each text in characters instead of the text. Held in memory only."""

    document: int
    question: int
    answer: int


class SplitSeed(TypedDict):
    """First line of ``<prefix>/splits/<use case>.jsonl`` (outside the run's folder): the seed of the split."""

    seed: int


class SplitEntry(TypedDict):
    """Every other line of ``<prefix>/splits/<use case>.jsonl``: the side of one document."""

    document: str  # first 16 hex digits of the sha256 of the document
    side: Side


class RunRows(TypedDict):
    """The location of a run's list of rows, and the run's settings. ``previous`` of :class:`LatestRun`."""

    run_key: str
    rows_uri: str  # S3 URI of the run's ``source/rows.txt``
    settings: dict[str, str]  # first 12 hex digits of the hash of each setting that affects purchases, by name


class LatestRun(RunRows):
    """The most recent run that read a use case's rows. Stored in ``<prefix>/latest/<use case>.json``."""

    previous: RunRows | None  # the run before the latest run, so that a retry compares with the same run


class RowChanges(TypedDict):
    """
    Changes since the use case's last run, in rows. ``changes`` of :class:`IngestManifest` and of the report's source.

    All counts are ``None`` on a first run.
    """

    since: str | None  # run key of the last run
    added: int | None
    changed: int | None  # same question, another document or answer
    gone: int | None
    settings: list[str]  # names of the settings that changed, sorted


class SourceCounts(TypedDict):
    """
    Counts of the rows that ``ingest`` read. Part of :class:`IngestManifest`.

    ``rows = accepted + rejected`` and ``accepted = train + evaluation``.
    """

    rows: int
    accepted: int
    rejected: int
    train: int
    evaluation: int
    reasons: dict[str, int]  # rejected rows by reason, most frequent first


class IngestManifest(SourceCounts):
    """Result of ``ingest``. Passed by XCom, and stored as ``source`` of ``report/report.json``."""

    changes: RowChanges


# Result of ``shards`` and ``evaluation_shards``: the numbers of the shards, from 0. The next task is mapped over them.
ShardNumbers = list[int]
