"""
Validate the records of an input file: accept each as a row with unchanged texts, or reject it with a reason.

No record is repaired or lost. Every record of the file becomes an accepted or a rejected row, and a rejected row keeps
its text. If the file as a whole cannot be used, an :class:`InputError` is raised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Literal

from typing_extensions import TypeIs

from include.distill.core.errors import InputError
from include.distill.dataset.exact_duplicates import ExactDuplicateIndex
from include.distill.dataset.input_formats import read_table
from include.distill.dataset.records import (
    RejectedRow,
    Role,
    Row,
    RowOrigin,
    RowRejectionReason,
    RowTexts,
    UngroupedRow,
)
from include.distill.dataset.tables import RowFault, Table, TableRecord
from include.distill.text.normalization import is_blank, unsupported_character

# The names that are recognized for each column if the use case does not map the column. Case is ignored.
COLUMN_NAMES: Mapping[Role, tuple[str, ...]] = {
    "document": ("document", "doc", "context"),
    "question": ("question", "query"),
    "answer": ("answer", "reply"),
}
_Column = Role | Literal["group"]


@dataclass(frozen=True)
class RowOptions:
    """
    Options for reading the files of a use case.

    :param columns: maps ``document``, ``question`` or ``answer`` to a column whose name is not in :data:`COLUMN_NAMES`.
    :param group_column: the column that identifies related rows, such as the page from which the rows were written.
    :param max_document_characters: maximum length of a document, a question or an answer, in characters.
    """

    encoding: str = "utf-8"
    columns: Mapping[str, str] | None = None
    group_column: str | None = None
    max_document_characters: int = 60_000


@dataclass(frozen=True)
class Duplicates:
    """
    The question-answer pairs that a new row must not repeat.

    :param pairs: the pairs read so far from the same files.
    :param evaluation: for training files, the pairs of the evaluation set; otherwise ``None``.
    """

    pairs: ExactDuplicateIndex
    evaluation: ExactDuplicateIndex | None = None


def read_rows(
    body: IO[bytes], *, source: str, options: RowOptions, duplicates: Duplicates, limit: int | None = None
) -> Iterator[UngroupedRow | RejectedRow]:
    """
    Read the rows of a file that has a document, a question and an answer in each record. Other columns are ignored.

    Accepted and rejected rows are yielded in the order of the file.

    :param source: file name or URI, stored in every row and named in every message.
    :param limit: maximum number of records to read; ``None`` means no limit.
    :raises InputError: the file as a whole cannot be used. The message gives the line, the problem and the remedy. Rows
        that were already yielded must not be used.
    """
    table = read_table(body, source=source, encoding=options.encoding, limit=limit)
    indexes = _column_indexes(table, source=source, options=options)
    validator = _RowValidator(source, table.header.fields, indexes, options, duplicates)
    return (validator.validate(number, record) for number, record in enumerate(table.records, start=1))


def check_header(body: IO[bytes], *, source: str, options: RowOptions) -> None:
    """Check that a file can be read, has the expected columns, and has at least one row.

    :raises InputError: a check fails. The message gives the line, the problem and the remedy.
    """
    table = read_table(body, source=source, encoding=options.encoding)
    _column_indexes(table, source=source, options=options)
    next(table.records)


def is_rejected(row: UngroupedRow | Row | RejectedRow) -> TypeIs[RejectedRow]:
    """Return whether a row was rejected."""
    return "reason" in row


def _column_indexes(table: Table, *, source: str, options: RowOptions) -> dict[_Column, int]:
    """Find the columns of the document, the question and the answer, and the group column if it is configured."""
    mapped = dict(options.columns or {})
    if unknown := sorted(set(mapped) - set(COLUMN_NAMES)):
        raise InputError(f"Unknown keys {unknown} in columns; expected only {', '.join(COLUMN_NAMES)}.")
    usual_names: dict[_Column, tuple[str, ...]] = dict(COLUMN_NAMES.items())
    if options.group_column:
        usual_names["group"] = ()
        mapped["group"] = options.group_column
    header = table.header.fields
    indexes: dict[_Column, int] = {}
    faults: list[str] = []
    for column, names in usual_names.items():
        matches = _matching(header, mapped.get(column), names)
        if len(matches) == 1:
            indexes[column] = matches[0]
        else:
            faults.append(_column_fault(column, [header[index] for index in matches], mapped.get(column), names))
    # The group column may also be a text column, so that each document is its own group.
    text_indexes = [index for column, index in indexes.items() if column != "group"]
    shared = sorted({index for index in text_indexes if text_indexes.count(index) > 1})
    faults += [f"column {header[index]!r} is used for more than one text" for index in shared]
    if faults:
        raise InputError(_header_message(table, source, faults))
    return indexes


def _matching(header: Sequence[str], mapped: str | None, usual_names: Sequence[str]) -> list[int]:
    """Return the indexes of the columns whose name matches ``mapped``, or one of ``usual_names`` if it is ``None``."""
    exact = [index for index, name in enumerate(header) if name == mapped]
    if exact:
        return exact
    wanted = usual_names if mapped is None else (_plain_name(mapped),)
    return [index for index, name in enumerate(header) if _plain_name(name) in wanted]


def _plain_name(name: str) -> str:
    return name.strip().strip("\ufeff\u200b").strip().casefold()


def _column_fault(column: _Column, matches: Sequence[str], mapped: str | None, usual_names: Sequence[str]) -> str:
    if matches:
        return f"{len(matches)} columns for the {column} ({', '.join(map(repr, matches))})"
    looked_for = " or ".join(usual_names) if mapped is None else repr(mapped)
    return f"no column for the {column} (looked for {looked_for})"


def _header_message(table: Table, source: str, faults: Sequence[str]) -> str:
    header = [name if len(name) <= 60 else f"{name[:60]}…" for name in table.header.fields]
    names = ", ".join(map(repr, header[:20])) + (f" and {len(header) - 20} more" if len(header) > 20 else "")
    sentences = (
        f"{source} line {table.header.line}: {'; '.join(faults)}. Found {len(header)} columns: {names}.",
        *table.hints,
        "Rename the columns, or map them in the use case: columns: {document: ..., question: ..., answer: ...}.",
    )
    return " ".join(sentences)


@dataclass(frozen=True)
class _RowValidator:
    """Turn each record into an accepted or a rejected row."""

    source: str
    header: Sequence[str]
    column_indexes: Mapping[_Column, int]
    options: RowOptions
    duplicates: Duplicates

    def validate(self, number: int, record: TableRecord) -> UngroupedRow | RejectedRow:
        origin: RowOrigin = {"row": number, "line": record.line, "source": self.source}
        if fault := record.fault or self._repeated_header(record):
            return _rejected_row(origin, fault, record.raw)
        texts: RowTexts = {
            "document": self._field(record, "document"),
            "question": self._field(record, "question"),
            "answer": self._field(record, "answer"),
        }
        if fault := self._text_fault(texts) or self._duplicate(texts, number):
            return _rejected_row(origin, fault, texts)
        row: UngroupedRow = {
            "row_id": row_id(**texts),
            "row": origin["row"],
            "line": origin["line"],
            "source": origin["source"],
            "document": texts["document"],
            "question": texts["question"],
            "answer": texts["answer"],
        }
        if "group" in self.column_indexes and not is_blank(group := self._field(record, "group")):
            row["group"] = group
        return row

    def _field(self, record: TableRecord, column: _Column) -> str:
        return record.fields[self.column_indexes[column]]

    def _repeated_header(self, record: TableRecord) -> RowFault | None:
        if list(map(_plain_name, record.fields)) != list(map(_plain_name, self.header)):
            return None
        message = "the row repeats the header, perhaps because several files were joined. Remove the row."
        return RowFault("header_again", message)

    def _text_fault(self, texts: RowTexts) -> RowFault | None:
        faults = (self._field_fault(role, texts[role]) for role in COLUMN_NAMES)
        return next((fault for fault in faults if fault), None)

    def _field_fault(self, role: Role, text: str) -> RowFault | None:
        if character := unsupported_character(text):
            message = f"the {role} contains {character}, which training files cannot contain. Remove the character."
            return RowFault("control_character", message, role)
        if is_blank(text):
            message = f"the {role} is empty ({text[:20]!a}); expected text. Fill in the {role}, or remove the row."
            return RowFault("empty_field", message, role)
        maximum = self.options.max_document_characters
        if len(text) > maximum:
            message = (
                f"the {role} has {len(text):,} characters; at most {maximum:,} are allowed. Split or shorten the"
                f" {role}."
            )
            return RowFault("too_long", message, role)
        return None

    def _duplicate(self, texts: RowTexts, number: int) -> RowFault | None:
        question, answer = texts["question"], texts["answer"]
        if first := self.duplicates.pairs.add(question, answer, source=self.source, row=number):
            message = f"the question and the answer repeat {first}; case and spacing are ignored. Remove the row."
            return RowFault("duplicate", message)
        if self.duplicates.evaluation and (match := self.duplicates.evaluation.find(question, answer)):
            message = (
                f"the question and the answer repeat {match} in the evaluation set. Training on this row would make the"
                " result look better than it is. Remove the row from one of the two files."
            )
            return RowFault("in_evaluation_set", message)
        return None


def _rejected_row(origin: RowOrigin, fault: RowFault, text: str | RowTexts) -> RejectedRow:
    where = f"{origin['source']} row {origin['row']} (line {origin['line']})"
    return {
        "row": origin["row"],
        "line": origin["line"],
        "source": origin["source"],
        "column": fault.column,
        "reason": fault.reason,
        "message": f"{where}: {fault.message}",
        "text": text,
    }


def reject(row: UngroupedRow | Row, *, reason: RowRejectionReason, message: str) -> RejectedRow:
    """Turn an accepted row into a rejected row that keeps its texts."""
    origin: RowOrigin = {"row": row["row"], "line": row["line"], "source": row["source"]}
    texts: RowTexts = {"document": row["document"], "question": row["question"], "answer": row["answer"]}
    return _rejected_row(origin, RowFault(reason, message), texts)


def row_id(*, document: str, question: str, answer: str) -> str:
    """Compute the identity of a row: the first 16 hex digits of the sha256 of its three texts."""
    return hashlib.sha256("\x1f".join((document, question, answer)).encode()).hexdigest()[:16]
