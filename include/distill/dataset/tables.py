"""Represent an input file as a table with a header and records. The reader for every format returns a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from include.distill.core.errors import InputError
from include.distill.dataset.records import Role, RowRejectionReason


class NoRowsError(InputError):
    """A file is empty, or has a header and no rows. A folder may contain such files if another file has rows."""


@dataclass(frozen=True)
class RowFault:
    """
    Why a single record is rejected. The rest of the file can still be read.

    :param message: the problem and the remedy. The file, row and line are added later.
    :param column: the faulty column; ``None`` if the record as a whole is faulty.
    """

    reason: RowRejectionReason
    message: str
    column: Role | None = None


@dataclass(frozen=True)
class TableRecord:
    """
    One record of a file.

    :param line: number of the line on which the record starts, counted from 1.
    :param fields: the fields in the order of the header. Without a ``fault``, a record has as many fields as the
        header.
    :param raw: the record's text in the file, including its line endings.
    """

    line: int
    fields: list[str]
    raw: str
    fault: RowFault | None = None


@dataclass(frozen=True)
class Table:
    """
    The header of a file and the records below it.

    :param header: the record whose ``fields`` are the names of the columns.
    :param records: an iterator that reads from the file; it can be used only once.
    :param hints: sentences that may explain why the header lacks a column. They are added to messages about the header.
    :param notes: sentences about the file that a reader of the report should know.
    """

    header: TableRecord
    records: Iterator[TableRecord]
    hints: Sequence[str] = ()
    notes: Sequence[str] = ()


class TableReader(Protocol):
    """A function that reads files in one format."""

    def __call__(self, body: IO[bytes], *, source: str, encoding: str, limit: int | None = None) -> Table:
        """Read the header immediately, and each record when the caller iterates; keep only one record in memory.

        :param source: the file's name for messages.
        :param encoding: a Python codec name.
        :param limit: maximum number of records to read; ``None`` means no limit.
        :raises NoRowsError: the file is empty, or has a header and no rows. In the second case, the error is raised
            when the caller iterates, so that the header can be checked first.
        :raises InputError: it is not clear where records begin and end, so the file as a whole cannot be used. The
            message gives the line, the problem and the remedy. The error may be raised during iteration. The records
            that were already returned must then not be used.
        """
