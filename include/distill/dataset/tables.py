"""Describe an input file as a table: a header, and records with their lines. The reader of every format returns one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from include.distill.dataset.records import Role, RowRejectionReason


@dataclass(frozen=True)
class RowFault:
    """
    Why one record is rejected, although the records around it can be used.

    :param message: what was found and what to do; file, row and line are added to it.
    :param column: ``None`` when the record as a whole is at fault.
    """

    reason: RowRejectionReason
    message: str
    column: Role | None = None


@dataclass(frozen=True)
class TableRecord:
    """
    One record of a file.

    :param line: the line in the file on which it starts, from 1.
    :param fields: as many as the header has, in its order, unless there is a ``fault``.
    :param raw: its text in the file, with line ends.
    """

    line: int
    fields: list[str]
    raw: str
    fault: RowFault | None = None


@dataclass(frozen=True)
class Table:
    """
    The header of a file and the records below it.

    :param header: its ``fields`` are the names of the columns.
    :param records: read from the file as they are taken, once.
    :param hints: sentences that may explain why the header lacks a column; added to messages about it.
    """

    header: TableRecord
    records: Iterator[TableRecord]
    hints: Sequence[str] = ()


class TableReader(Protocol):
    """A function that reads files of one format."""

    def __call__(self, body: IO[bytes], *, source: str, encoding: str, limit: int | None = None) -> Table:
        """Read the header, and the records as they are taken; one record is in memory at a time.

        :param source: the file's name in messages.
        :param encoding: a Python codec name.
        :param limit: read only this many records.
        :raises InputError: records cannot be separated, so that the file as a whole cannot be used. Says in which line,
            what was found and what to do. Also raised while records are taken: those taken before must not be used.
        """
