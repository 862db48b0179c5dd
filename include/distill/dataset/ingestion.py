"""
Read the files of a use case into training rows, evaluation rows and rejected rows.

Several passes are needed, because a document's side can depend on later rows. The first pass copies all records into a
temporary file and keeps hashes, signatures and sketches of their texts. Every document is then assigned to a side. The
second pass collects the evaluation questions, which are kept in memory. The third pass writes each row to the object of
its side, and rejects training rows that ask an evaluation question. Every record is either accepted or rejected; none
is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, cast

import jsonlines

from include.distill.config.layout import RunFolder
from include.distill.config.sections import SourceData
from include.distill.core.errors import FAILED_TASK, InputError
from include.distill.core.storage import ObjectStore, decode_jsonl, jsonl_writer
from include.distill.dataset.document_groups import DocumentGroups
from include.distill.dataset.evaluation_questions import DEFAULT_LEAK_SIMILARITY
from include.distill.dataset.exact_duplicates import ExactDuplicateIndex, RowLocations
from include.distill.dataset.group_split import Split, split_groups
from include.distill.dataset.placement import TARGETS, Placement
from include.distill.dataset.records import RejectedRow, Row, Side, SourceCounts, SplitFigures, SpooledRow, UngroupedRow
from include.distill.dataset.rejection_limit import RejectionLimit
from include.distill.dataset.reserved_answers import ReservedAnswers
from include.distill.dataset.row_changes import row_line
from include.distill.dataset.row_length import LengthCheck, Target
from include.distill.dataset.rows import Duplicates, is_rejected
from include.distill.dataset.source_files import SourceReader
from include.distill.dataset.stored_split import StoredSplit

MAX_REJECTION_MESSAGES = 20


@dataclass
class IngestResult:
    """
    The numbers of accepted and rejected rows, and the reasons for the rejections.

    :param counts: number of rows written to each object.
    :param reasons: number of rejected rows by reason.
    :param messages: the messages for the first rejected rows.
    :param notes: files that were skipped or empty, and what was ignored in the files.
    :param split: figures about the document groups.
    :param document_characters: total length of the documents of all training rows.
    """

    counts: Counter[Target] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    split: SplitFigures | None = None
    document_characters: int = 0

    def manifest(self) -> SourceCounts:
        """Return the counts of rows: ``rows = accepted + rejected`` and ``accepted = train + evaluation``."""
        train, evaluation, rejected = (self.counts[target] for target in TARGETS)
        counts: SourceCounts = {
            "rows": train + evaluation + rejected,
            "accepted": train + evaluation,
            "rejected": rejected,
            "train": train,
            "evaluation": evaluation,
            "reasons": dict(self.reasons.most_common()),
        }
        if self.notes:
            counts["notes"] = self.notes
        if self.split is not None:
            counts["split"] = self.split
        if train:
            counts["mean_document_characters"] = round(self.document_characters / train, 2)
        return counts


def ingest(
    source: SourceData,
    *,
    store: ObjectStore,
    folder: RunFolder,
    splits_uri: str,
    seed: int,
    check_length: LengthCheck | None = None,
    leak_similarity: float = DEFAULT_LEAK_SIMILARITY,
    reserved: ReservedAnswers | None = None,
) -> IngestResult:
    """
    Read the files of ``source`` and write the training rows, evaluation rows, rejected rows and the list of
    accepted rows.

    :param splits_uri: URI of the object that stores each document's side, so that later runs keep it. The object is not
        used if ``evaluation_csv`` is set.
    :param check_length: returns why a row is too long for the student, or ``None``.
    :param leak_similarity: a training row whose question has at least this similarity to an evaluation question is
        rejected.
    :param reserved: checks the answers of training rows for reserved strings; ``None`` if no model is trained.
    :raises InputError: a file cannot be used, no rows are left for training or for evaluation, or more rows are
        unusable than the use case allows. In each case, nothing is written.
    """
    with TemporaryFile() as spool:
        reading = _FirstPass(source, store, spool)
        reading.read()
        stored = None if source.evaluation_csv else StoredSplit(store, splits_uri, seed=seed)
        split = _split(reading, stored, seed)
        placement = Placement(source, reading.locations, reading.groups, split, leak_similarity, check_length)
        placement.collect_evaluation_questions(_entries(spool))
        reserved = reserved or ReservedAnswers()
        placed = (reserved.place(target, row) for target, row in placement.place_all(_entries(spool)))
        result = _write(placed, store, folder, source.training_csv)
        result.split = placement.figures()
        result.notes = [*reading.notes, *reserved.notes]
        # The sides are stored last, so that a run that fails earlier leaves the stored sides unchanged.
        if stored is not None:
            stored.remember(reading.groups, split)
    return result


def _entries(spool: IO[bytes]) -> Iterator[SpooledRow]:
    spool.seek(0)
    # This task wrote the file, so its records are not checked.
    return cast(Iterator[SpooledRow], decode_jsonl(spool, dict, uri="The temporary file of ingest"))


class _FirstPass:
    """
    The first pass over the input files.

    It copies all records into a temporary file, and collects the data that determines the side of each document.

    Public attributes besides ``source``: ``locations`` describes rows in messages, ``groups`` has the documents, and
    ``evaluation_documents`` has the numbers of the documents in the evaluation file.
    """

    def __init__(self, source: SourceData, store: ObjectStore, spool: IO[bytes]) -> None:
        self.source = source
        self.locations = RowLocations()
        self.groups = DocumentGroups()
        self.evaluation_documents: set[int] = set()
        self._reader = SourceReader(source, store)
        self._spool = jsonlines.Writer(spool)

    @property
    def notes(self) -> list[str]:
        """Notes about files and fields that were not read."""
        return self._reader.notes

    def read(self) -> None:
        """Read the evaluation files, then the training files."""
        source, evaluation = self.source, None
        if source.evaluation_csv:
            evaluation = ExactDuplicateIndex(self.locations)
            for row in self._rows(source.evaluation_csv, Duplicates(evaluation), source.evaluation_rows):
                self._keep(row, "evaluation")
            self.evaluation_documents = set(range(len(self.groups)))
        duplicates = Duplicates(ExactDuplicateIndex(self.locations), evaluation)
        for row in self._rows(source.training_csv, duplicates, source.documents):
            self._keep(row, "train" if source.evaluation_csv else None)

    def _rows(self, uri: str, duplicates: Duplicates, limit: int | None) -> Iterator[UngroupedRow | RejectedRow]:
        rejection_limit = RejectionLimit(uri, self.source.max_rejected_share)
        for row in self._reader.rows(uri, duplicates, limit):
            rejection_limit.count(row)
            yield row
        rejection_limit.check()

    def _keep(self, row: UngroupedRow | RejectedRow, part: Side | None) -> None:
        number = -1
        if not is_rejected(row):
            location = self.locations.encode(row["source"], row["row"])
            number = self.groups.add(row["document"], group=row.pop("group", None), row=location)
            # If there is an evaluation file, the training rows are searched only for its answers and questions.
            if part != "train":
                self.groups.passages.add_answer(row["answer"], number)
                self.groups.add_question(number, row["question"])
        entry: SpooledRow = {"number": number, "part": part, "row": row}
        self._spool.write(entry)


def _split(reading: _FirstPass, stored: StoredSplit | None, seed: int) -> Split:
    source, groups = reading.source, reading.groups
    if stored is not None:
        stated, share = stored.sides_of(groups), source.evaluation_share
    else:
        share = 0.5  # any share is valid: every document has a stated side, so no side is drawn
        stated = {
            number: "evaluation" if number in reading.evaluation_documents else "train" for number in range(len(groups))
        }
        if source.shared_documents == "keep":
            stated = dict.fromkeys(stated, "evaluation")  # with a single side, documents are only grouped, not dropped
    return split_groups(
        groups,
        stated,
        similarity=source.same_document_similarity,
        share=share,
        seed=seed,
        shared_passages=source.shared_passages,
        clustered=reading.evaluation_documents or None,
    )


def _write(
    rows: Iterator[tuple[Target, Row | RejectedRow]], store: ObjectStore, folder: RunFolder, training_csv: str
) -> IngestResult:
    """Write every row to its object. If a row cannot be written, no object is written."""
    result = IngestResult()
    with ExitStack() as open_objects:
        writers = {target: open_objects.enter_context(jsonl_writer(store, folder.source(target))) for target in TARGETS}
        row_list = open_objects.enter_context(store.writer(folder.row_list))
        for target, row in rows:
            writers[target](row)
            result.counts[target] += 1
            if not is_rejected(row):
                row_list.write(row_line(row))
                result.document_characters += len(row["document"]) if target == "train" else 0
                continue
            result.reasons[row["reason"]] += 1
            if len(result.messages) < MAX_REJECTION_MESSAGES:
                result.messages.append(row["message"])
        _require_rows(result, training_csv)
    return result


def _require_rows(result: IngestResult, training_csv: str) -> None:
    counts = result.counts
    if counts["train"] and counts["evaluation"]:
        return
    one_document = f"all rows of {training_csv} belong to one document group; an evaluation needs a second group."
    reason = next(chain(result.messages, [one_document]))
    raise InputError(
        "A run needs training rows and evaluation rows. The files have"
        f" {counts['train']} training rows, {counts['evaluation']} evaluation rows and {counts['rejected']} rejected"
        f" rows. First problem: {reason}",
        left="Nothing was written.",
        to_do="Correct the files.",
        then_clear=FAILED_TASK,
    )
