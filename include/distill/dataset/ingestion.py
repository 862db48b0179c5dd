"""
From the files of a use case to training rows, evaluation rows and rejected rows, in two passes that hold no texts.

First all records are read into a temporary file, while hashes and signatures of their texts are kept; then every
document is given its side, and the rows go where their documents lie. Rows are accepted or rejected, none is lost.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, Any

import jsonlines

from include.distill.config.layout import RunFolder
from include.distill.config.sections import SourceData
from include.distill.core.errors import InputError, RefusedError
from include.distill.core.input_files import find_inputs, open_input
from include.distill.core.storage import ObjectStore, Record
from include.distill.dataset.document_groups import DocumentGroups, Side, Split, split_groups
from include.distill.dataset.exact_duplicates import ExactDuplicateIndex, RowLocations
from include.distill.dataset.row_changes import row_line
from include.distill.dataset.rows import CsvOptions, Duplicates, check_header, is_rejected, read_rows, rejected
from include.distill.dataset.splits import GROUP
from include.distill.dataset.stored_split import StoredSplit

MAX_REJECTION_MESSAGES = 20


def csv_options(source: SourceData) -> CsvOptions:
    """Return how the files of a use case are to be read."""
    return CsvOptions(
        encoding=source.encoding,
        columns=source.columns,
        group_column=source.group_column,
        max_document_characters=source.max_document_characters,
    )


def check_inputs(source: SourceData, store: ObjectStore) -> list[str]:
    """Return what is wrong with the files of ``source`` as far as their first rows tell."""
    problems: list[str] = []
    for uri in filter(None, (source.training_csv, source.evaluation_csv)):
        try:
            for file in find_inputs(uri, store):
                with open_input(file.uri, store) as body:
                    check_header(body, source=file.uri, options=csv_options(source))
        except (InputError, RefusedError) as error:
            problems.append(str(error))
    return problems


@dataclass
class IngestResult:
    """What was read. ``messages`` are the messages of the first rejected rows."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)

    def manifest(self) -> Record:
        """Return the counts: ``rows`` = ``accepted`` + ``rejected``, and ``accepted`` = ``train`` + ``evaluation``."""
        train, evaluation, refused = (self.counts[name] for name in ("train", "evaluation", "rejected"))
        return {
            "rows": train + evaluation + refused,
            "accepted": train + evaluation,
            "rejected": refused,
            "train": train,
            "evaluation": evaluation,
            "reasons": dict(self.reasons.most_common()),
        }


def ingest(source: SourceData, *, store: ObjectStore, folder: RunFolder, splits_uri: str, seed: int) -> IngestResult:
    """
    Read the files of ``source`` and write ``documents``, ``train``, ``evaluation``, ``rejected`` and the list of rows.

    :param splits_uri: where the sides of documents are kept between runs; not used with an ``evaluation_csv``.
    :raises InputError: a file cannot be used, or no usable row is left; nothing was written.
    """
    with TemporaryFile() as spool:
        reading = _Reading(source, store, spool)
        reading.read()
        stored = None if source.evaluation_csv else StoredSplit(store, splits_uri, seed=seed)
        split = _split(reading, stored, seed)
        spool.seek(0)
        rows = (_placed(row, reading, split) for row in jsonlines.Reader(spool))
        ingested = _write(rows, store, folder, source.training_csv)
        if stored is not None:
            stored.remember(reading.groups, split)
    return ingested


class _Reading:
    """The first pass."""

    def __init__(self, source: SourceData, store: ObjectStore, spool: IO[bytes]) -> None:
        self.source = source
        self.locations = RowLocations()
        self.groups = DocumentGroups()
        self.numbers = array("L")
        self.evaluated: set[int] = set()
        self._store = store
        self._lines = jsonlines.Writer(spool, dumps=_as_json)

    def read(self) -> None:
        """Read the evaluation files, then the training files."""
        source, evaluation = self.source, None
        if source.evaluation_csv:
            evaluation = ExactDuplicateIndex(self.locations)
            for row in self._rows(source.evaluation_csv, Duplicates(evaluation), source.evaluation_rows):
                self._keep(row, "evaluation")
            self.evaluated = set(self.numbers)
        seen = Duplicates(ExactDuplicateIndex(self.locations), evaluation)
        for row in self._rows(source.training_csv, seen, source.documents):
            self._keep(row, "train" if source.evaluation_csv else None)

    def _rows(self, uri: str, duplicates: Duplicates, limit: int | None) -> Iterator[Record]:
        """Yield the first ``limit`` records; each file is left by the end of ``read_rows``."""
        options = csv_options(self.source)
        left = limit
        for file in find_inputs(uri, self._store):
            if left == 0:
                return
            with open_input(file.uri, self._store) as body:
                for row in read_rows(body, source=file.name, options=options, duplicates=duplicates, limit=left):
                    left = left and left - 1
                    yield row

    def _keep(self, row: Record, part: Side | None) -> None:
        if not is_rejected(row):
            place = self.locations.encode(row["source"], row["row"])
            self.numbers.append(self.groups.add(row["document"], group=row.pop(GROUP, None), row=place))
        self._lines.write({"number": None if is_rejected(row) else self.numbers[-1], "part": part, "row": row})


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _split(reading: _Reading, stored: StoredSplit | None, seed: int) -> Split:
    source, groups = reading.source, reading.groups
    if stored is not None:
        stated, share = stored.sides_of(groups), source.evaluation_share
    else:
        share = 0.5  # of what has no side, and every document has one
        stated = {number: "evaluation" if number in reading.evaluated else "train" for number in range(len(groups))}
        if source.shared_documents == "keep":
            stated = dict.fromkeys(stated, "evaluation")  # one side only: documents are joined, and none is dropped
    return split_groups(groups, stated, similarity=source.same_document_similarity, share=share, seed=seed)


def _placed(entry: Record, reading: _Reading, split: Split) -> tuple[str, Record]:
    """Return where a row belongs, and the row as it is written there."""
    number, part, row = entry["number"], entry["part"], entry["row"]
    if number is None:
        return "rejected", row
    row[GROUP] = split.groups[number]
    side = split.sides[number]
    if part == "evaluation" or (part == "train" and reading.source.shared_documents == "keep"):
        return part, row
    if side is None or (part is not None and part != side):
        return "rejected", _dropped(row, number, reading, split)
    return side, row


def _dropped(row: Record, number: int, reading: _Reading, split: Split) -> Record:
    train, evaluation = (
        reading.locations.describe(reading.groups.first_rows[other])
        for other in split.conflicts.get(number, (number, number))
    )
    if reading.source.evaluation_csv:
        message = (
            f"its document is that of {evaluation}, in the evaluation set, or nearly so, or of the same group; training"
            " on it would flatter the result. Remove it from one of the two, or set source.shared_documents: keep."
        )
        return rejected(row, reason="document_in_evaluation_set", message=message)
    message = (
        f"its document belongs both to that of {train}, which is trained on, and to that of {evaluation}, which is"
        " evaluated; on either side it would be a leak, and the sides of earlier rows stay."
    )
    return rejected(row, reason="bridges_sides", message=message)


def _write(
    rows: Iterator[tuple[str, Record]], store: ObjectStore, folder: RunFolder, training_csv: str
) -> IngestResult:
    """Write every row where it belongs, all objects or none."""
    ingested = IngestResult()
    with ExitStack() as opened:
        names = ("documents", "train", "evaluation", "rejected")
        bodies = {name: opened.enter_context(store.writer(folder.source(name))) for name in names}
        listed = opened.enter_context(store.writer(folder.row_list))
        for name, row in rows:
            line = f"{_as_json(row)}\n".encode()
            bodies[name].write(line)
            ingested.counts[name] += 1
            if name != "rejected":
                bodies["documents"].write(line)
                listed.write(row_line(row))
                continue
            ingested.reasons[row["reason"]] += 1
            if len(ingested.messages) < MAX_REJECTION_MESSAGES:
                ingested.messages.append(row["message"])
        _require_rows(ingested, training_csv)
    return ingested


def _require_rows(ingested: IngestResult, training_csv: str) -> None:
    counts = ingested.counts
    if counts["train"] and counts["evaluation"]:
        return
    one_document = f"all rows of {training_csv} belong to one document; an evaluation needs another"
    reason = next(chain(ingested.messages, [one_document]))
    message = (
        f"No usable rows: {counts['train']} to train on, {counts['evaluation']} to evaluate, {counts['rejected']}"
        f" rejected. First reason: {reason}"
    )
    raise InputError(message)
