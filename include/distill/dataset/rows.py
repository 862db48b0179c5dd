"""
Validate the records of an input file: accept each as a row with unchanged texts, or reject it with a reason.

No record is repaired or lost. Every record of the file becomes an accepted or a rejected row, and a rejected row keeps
its text. If the file as a whole cannot be used, an :class:`InputError` is raised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO

from typing_extensions import TypeIs

from include.distill.core.errors import InputError
from include.distill.dataset.cell_content import cell_fault, row_fault
from include.distill.dataset.columns import COLUMN_NAMES, Column, SecondHeaders, find_columns
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

_ROWS_TO_CHECK = 20


@dataclass(frozen=True)
class RowOptions:
    """
    Options for reading the files of a use case.

    :param columns: maps ``document``, ``question`` or ``answer`` to a column whose name is not in
        :data:`~include.distill.dataset.columns.COLUMN_NAMES`.
    :param group_column: the column that identifies related rows, such as the page that the rows were written from.
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
    body: IO[bytes],
    *,
    source: str,
    options: RowOptions,
    duplicates: Duplicates,
    limit: int | None = None,
    notes: list[str] | None = None,
) -> Iterator[UngroupedRow | RejectedRow]:
    """
    Read the rows of a file that has a document, a question and an answer in each record. Other columns are ignored.

    Accepted and rejected rows are yielded in the order of the file.

    :param source: file name or URI, stored in every row and named in every message.
    :param limit: maximum number of records to read; ``None`` means no limit.
    :param notes: a list to which notes about the file are added.
    :raises NoRowsError: the file has no rows.
    :raises InputError: the file as a whole cannot be used. The message gives the line, the problem and the remedy. Rows
        that were already yielded must not be used.
    """
    table = read_table(body, source=source, encoding=options.encoding, limit=limit)
    indexes = _find_columns(table, source, options)
    headers = SecondHeaders(table.header, indexes, columns=options.columns, source=source)
    if notes is not None:
        notes += table.notes
    validator = _RowValidator(source, headers, indexes, options, duplicates)
    return (validator.validate(number, record) for number, record in enumerate(table.records, start=1))


def check_header(body: IO[bytes], *, source: str, options: RowOptions) -> None:
    """Check that a file can be read and has the expected columns and at least one row.

    If the file has several rows, at least one of the first rows must have the right number of fields.

    :raises NoRowsError: the file has no rows.
    :raises InputError: a check fails. The message gives the line, the problem and the remedy.
    """
    table = read_table(body, source=source, encoding=options.encoding)
    _find_columns(table, source, options)
    first = next(table.records)
    faults = [record.fault for record in chain([first], islice(table.records, _ROWS_TO_CHECK - 1))]
    if len(faults) > 1 and all(fault and fault.reason in ("too_few_fields", "too_many_fields") for fault in faults):
        message = str(faults[0] and faults[0].message)
        raise InputError(
            f"{source} line {first.line}: {message} All of the first {len(faults)} rows have this problem. Nothing was"
            " read."
        )


def _find_columns(table: Table, source: str, options: RowOptions) -> dict[Column, int]:
    return find_columns(table, source=source, columns=options.columns, group_column=options.group_column)


def is_rejected(row: UngroupedRow | Row | RejectedRow) -> TypeIs[RejectedRow]:
    """Return whether a row was rejected."""
    return "reason" in row


@dataclass(frozen=True)
class _RowValidator:
    """Turn each record into an accepted or a rejected row."""

    source: str
    headers: SecondHeaders
    column_indexes: Mapping[Column, int]
    options: RowOptions
    duplicates: Duplicates

    def validate(self, number: int, record: TableRecord) -> UngroupedRow | RejectedRow:
        origin: RowOrigin = {"row": number, "line": record.line, "source": self.source}
        if fault := self.headers.fault(record) or record.fault:
            return _rejected_row(origin, fault, record.raw)
        texts: RowTexts = {
            "document": self._field(record, "document"),
            "question": self._field(record, "question"),
            "answer": self._field(record, "answer"),
        }
        if fault := self._text_fault(texts) or row_fault(texts, record.raw) or self._duplicate(texts, number):
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

    def _field(self, record: TableRecord, column: Column) -> str:
        return record.fields[self.column_indexes[column]]

    def _text_fault(self, texts: RowTexts) -> RowFault | None:
        faults = (self._field_fault(role, texts[role]) or cell_fault(role, texts) for role in COLUMN_NAMES)
        return next((fault for fault in faults if fault), None)

    def _field_fault(self, role: Role, text: str) -> RowFault | None:
        if character := unsupported_character(text):
            message = (
                f"the {role} contains the character {character}, which training files cannot contain. Remove the"
                " character, or export the row again with its original encoding."
            )
            return RowFault("control_character", message, role)
        if is_blank(text):
            message = f"the {role} is empty ({text[:20]!a}); expected text. Fill in the {role}, or remove the row."
            return RowFault("empty_field", message, role)
        maximum = self.options.max_document_characters
        if len(text) > maximum:
            message = (
                f"the {role} has {len(text):,} characters; at most {maximum:,} are allowed. Split or shorten the"
                f" {role}, or raise source.max_document_characters in the use case."
            )
            return RowFault("too_long", message, role)
        return None

    def _duplicate(self, texts: RowTexts, number: int) -> RowFault | None:
        question, answer = texts["question"], texts["answer"]
        if first := self.duplicates.pairs.add(question, answer, source=self.source, row=number):
            message = (
                f"the question and the answer repeat {first}. The documents are not compared, and case, spacing,"
                " invisible characters and markup are ignored. The row is not used. Remove the row."
            )
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


def reject(
    row: UngroupedRow | Row, *, reason: RowRejectionReason, message: str, column: Role | None = None
) -> RejectedRow:
    """Turn an accepted row into a rejected row that keeps its texts."""
    origin: RowOrigin = {"row": row["row"], "line": row["line"], "source": row["source"]}
    texts: RowTexts = {"document": row["document"], "question": row["question"], "answer": row["answer"]}
    return _rejected_row(origin, RowFault(reason, message, column), texts)


def row_id(*, document: str, question: str, answer: str) -> str:
    """Compute the identity of a row: the first 16 hex digits of the sha256 of its three texts."""
    return hashlib.sha256("\x1f".join((document, question, answer)).encode()).hexdigest()[:16]
