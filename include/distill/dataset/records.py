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
    "byte_order_mark",
    "merged_rows",
    "split_row",
    "single_quotes",
    "control_character",
    "lost_character",
    "empty_field",
    "placeholder",
    "comment_row",
    "total_row",
    "too_long",
    "reserved_string",
    "duplicate",
    "in_evaluation_set",
    "document_in_evaluation_set",
    "passage_in_evaluation_set",
    "bridges_sides",
]


class RowOrigin(TypedDict):
    """The location of a row in its file; a part of :class:`Row` and :class:`RejectedRow`."""

    row: int  # number of the record in its file, starting at 1; the header is not counted
    line: int  # number of the line on which the record starts, counted from 1
    source: str  # path of the file, relative to the source's folder


class RowTexts(TypedDict):
    """The three unchanged texts of a row; a part of :class:`Row`, and the ``text`` of a :class:`RejectedRow`."""

    document: str
    question: str
    answer: str


class UngroupedRow(RowOrigin, RowTexts):
    """One accepted row whose document group is not known yet. It is stored only in a temporary file of ``ingest``."""

    row_id: str  # first 16 hex digits of the sha256 of the three texts
    group: NotRequired[str]  # text in the group column; absent if the text is blank or no group column is configured


class Row(RowOrigin, RowTexts):
    """
    One accepted row.

    The record is stored in ``source/train.jsonl``, ``source/evaluation.jsonl``, and in the shards
    ``shards/train-<number>.jsonl`` and ``shards/evaluation-<number>.jsonl``.
    """

    row_id: str  # first 16 hex digits of the sha256 of the three texts
    group: str  # name of the document group, 16 hex digits; all rows of a group are on the same side of every split


class EvaluationRow(Row):
    """One row of ``source/evaluation.jsonl``."""

    is_generic_question: NotRequired[bool]  # True if the question is asked about many documents; otherwise absent


class RejectedRow(RowOrigin):
    """A record that the run does not use, with the reason. It is stored in ``source/rejected.jsonl``."""

    column: Role | None  # None if the row as a whole is faulty
    reason: RowRejectionReason
    message: str  # names the file, the row and the line, and says what to do
    # The three texts. If the record is truncated, repeats the header or has a wrong number of fields, its raw text.
    text: str | RowTexts


class SpooledRow(TypedDict):
    """One row between the passes of ``ingest``. It is stored only in a temporary file."""

    number: int  # number of the row's document, starting at 0; -1 for a rejected row
    part: Side | None  # side that the row's file determines; None if the side is drawn
    row: UngroupedRow | RejectedRow


class Grouped(TypedDict):
    """A row of any kind, for functions that need only its document group. All rows of a group are on the same side."""

    group: str


class Identified(TypedDict):
    """
    The identity of the row that a record was made from.

    A function that accepts any record with a ``row_id``, such as ``pairs_of``, uses this class as its type bound.
    """

    row_id: str


class RowName(Grouped, Identified):
    """A row's identity and group, without its texts. This record is not stored."""


class RowTokens(Grouped):
    """A row with the estimated number of tokens of each text instead of the text. This record is not stored."""

    document: int
    question: int
    answer: int


class SplitSeed(TypedDict):
    """The seed of the split, in the first line of ``<prefix>/splits/<use case>.jsonl`` (outside the run's folder)."""

    seed: int


class SplitEntry(TypedDict):
    """The side of one document, in each line after the first of ``<prefix>/splits/<use case>.jsonl``."""

    document: str  # first 16 hex digits of the sha256 of the document
    side: Side


class RunRows(TypedDict):
    """
    A run's key, the URI of its list of rows, and the hashes of its settings.

    :class:`LatestRun` stores earlier runs in this form, for example in ``previous``.
    """

    run_key: str
    rows_uri: str  # S3 URI of the run's ``source/rows.txt``
    settings: dict[str, str]  # first 12 hex digits of the hash of each setting that affects purchases, by name


class LatestRun(RunRows):
    """The most recent run that read a use case's rows, stored in ``<prefix>/latest/<use case>.json``."""

    previous: RunRows | None  # the run before it; `estimate` compares the latest run with it
    # For each step, such as `synthetic` or `merged/tuned`: the newest run before it that completed the step. If no run
    # completed the step, the newest run that began it.
    bought_by_step: NotRequired[dict[str, RunRows]]
    reported: NotRequired[RunRows | None]  # the newest run before it that has a report; this run is compared with it


class RowChanges(TypedDict):
    """
    Changes since the use case's last run with a report.

    The record is stored as ``changes`` of :class:`IngestManifest`. All counts are ``None`` if no earlier run has a
    report, or if the list of rows of that run was deleted.
    """

    since: str | None  # run key of the last run with a report
    added: int | None  # number of new rows
    changed: int | None  # number of rows with the same question, but a different document or answer
    gone: int | None  # number of rows that are no longer in the files
    settings: list[str]  # names of the settings that changed, sorted


class SplitFigures(TypedDict):
    """Figures about the related documents of a run. They are stored as ``split`` of :class:`SourceCounts`."""

    documents: int  # number of different documents
    groups: int  # number of document groups
    evaluation_documents: int  # number of different evaluation documents
    evaluation_groups: int  # number of groups of evaluation documents, the clusters of the statistics
    largest_group_rows: int  # number of accepted rows in the group with the most rows
    template_documents: int  # number of documents that consist mostly of text that many documents have
    same_title_documents: int  # number of evaluation documents that begin with the same words as another one
    generic_question_rows: int  # number of evaluation rows whose question is asked about many documents
    kept_leaks: int  # number of training rows that are kept only because of shared_passages: warn
    is_near_share: bool  # whether this run held out about evaluation_share of the rows whose side it drew


class SourceCounts(TypedDict):
    """
    The counts of the rows that ``ingest`` read; a part of :class:`IngestManifest`.

    ``rows = accepted + rejected`` and ``accepted = train + evaluation``.
    """

    rows: int
    accepted: int
    rejected: int
    train: int
    evaluation: int
    reasons: dict[str, int]  # rejected rows by reason, most frequent first
    # Files that were skipped or empty, and what was ignored. Absent if this list would be empty.
    notes: NotRequired[list[str]]
    split: NotRequired[SplitFigures]  # absent in results of versions that did not compare passages
    # mean length of the documents of the training rows, in characters; absent in results of earlier versions
    mean_document_characters: NotRequired[float]


class IngestManifest(SourceCounts):
    """The result of ``ingest``. It is passed through XCom and stored under ``source`` in ``report/report.json``."""

    changes: RowChanges


# The result of ``shards`` and ``evaluation_shards``: the numbers of the shards, starting at 0. The next task is mapped
# over these numbers.
ShardNumbers = list[int]
