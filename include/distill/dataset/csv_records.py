"""
A CSV file as records: fields, the physical line each record starts on, and its text as it stands in the file.

Records come as they are read: memory holds one of them, whatever the length of the file. Python's ``csv`` module reads
in strict mode, so that no character is dropped silently. A fault after which rows cannot be told apart stops the whole
file: reading on would give halves of rows. The one exception is a quote still open at the end of the file, as a cut
upload leaves it: the records before it are whole, and it alone is marked.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from itertools import chain, islice
from typing import IO

from include.distill.core.errors import InputError
from include.distill.dataset.csv_decoding import MAX_RECORD_LENGTH, CsvLines, restore_lone_cr

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_EXPECTED = "a document, a question and an answer"
_limit_lock = threading.Lock()


@dataclass(frozen=True)
class CsvRecord:
    """One record. ``truncated`` when the file ended inside a quoted field; then it has no fields."""

    line: int
    last_line: int
    fields: list[str]
    raw: str
    truncated: bool = False


@dataclass(frozen=True)
class CsvTable:
    """The header, and the records below it, to be taken once; ``has_mark``: the file began with a byte order mark."""

    header: CsvRecord
    records: Iterator[CsvRecord]
    has_mark: bool


def read_table(
    body: IO[bytes],
    *,
    source: str,
    encoding: str,
    separator: str = ",",
    expected: str = _EXPECTED,
    limit: int | None = None,
) -> CsvTable:
    """Return the records of a comma-separated file. Empty lines are no records.

    :param body: the file, read as the records are taken.
    :param source: how messages call the file.
    :param encoding: a Python codec name; a UTF-8 byte order mark is understood under ``utf-8``.
    :param separator: of the columns, where it is known to be another.
    :param expected: what messages say the columns should be.
    :param limit: of the records below the header, only so many.
    :raises InputError: the file cannot be read as a whole; says where, what was found and what to do. Records that
        were taken before must then be forgotten.
    """
    lines = CsvLines(body, source=source, encoding=encoding)
    records = _records(lines, separator)
    header = next((record for record in records if not _is_white(record)), None)
    if header is None:
        what = f"holds only white space ({lines.size} bytes)" if lines.size else "is empty (0 bytes)"
        raise InputError(f"{source} {what}; expected a header and at least one row. Upload the file again.")
    if header.truncated:
        message = (
            f"{source} line {header.line}: a quote opened in the header is never closed; expected the column"
            " names. Close the quote."
        )
        raise InputError(message)
    if len(header.fields) == 1:
        raise InputError(_one_column(header, source, expected))
    return CsvTable(header, _first(limit, _below(header, records, source, separator), lines), lines.has_mark)


def _first(limit: int | None, records: Iterator[CsvRecord], lines: CsvLines) -> Iterator[CsvRecord]:
    yield from islice(records, limit)
    lines.finish_encoding_check()


def _is_white(record: CsvRecord) -> bool:
    return not record.raw.strip("\ufeff \t\r\n")


def _below(header: CsvRecord, records: Iterator[CsvRecord], source: str, separator: str) -> Iterator[CsvRecord]:
    first = next(records, None)
    if first is None:
        message = f"{source} has a header and no rows: {header.raw.strip()!r}. Expected at least one row below it."
        raise InputError(message)
    width = len(header.fields)
    for record in chain([first], records):
        yield from _rows_at_cr(record, width, separator) or [record]


def _rows_at_cr(record: CsvRecord, width: int, separator: str) -> list[CsvRecord]:
    """Return the rows of a record that are told apart by lone CRs, where all of them are whole; else none."""
    if len(record.fields) <= width or not any("\r" in field for field in record.fields):
        return []
    text = StringIO(record.raw, newline="")
    rows, line = [], record.line
    try:
        with _long_fields():
            for fields in csv.reader(text, strict=True, delimiter=separator):
                rows.append(CsvRecord(line, line, fields, record.raw))
                line += 1
    except csv.Error:
        return []
    return rows if all(len(row.fields) == width for row in rows) else []


def _records(lines: CsvLines, separator: str) -> Iterator[CsvRecord]:
    reader = csv.reader(lines, strict=True, delimiter=separator)
    while True:
        first_line = lines.number + 1
        try:
            with _long_fields():
                fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.exhausted:
                yield CsvRecord(first_line, lines.number, [], lines.take_raw(), truncated=True)
                return
            raise InputError(_broken_quotes(lines.source, first_line, lines.number)) from error
        raw = lines.take_raw()
        record = CsvRecord(first_line, lines.number, restore_lone_cr(fields) if "\r" in raw else fields, raw)
        _refuse_quote_after_space(record, lines.source)
        if fields:
            yield record


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let csv read one record of long fields.

    The limit is the process's, not the reader's: it is only raised, by one reader at a time, and put back.
    """
    with _limit_lock:
        before = csv.field_size_limit()
        csv.field_size_limit(max(before, MAX_RECORD_LENGTH))
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _one_column(header: CsvRecord, source: str, expected: str) -> str:
    name = header.fields[0]
    used = guess_separator(header)
    advice = f"It seems to be separated by {used}; save" if used else "Save"
    return (
        f"{source} line {header.line}: one column found, {name[:200]!r}; expected {expected}, separated by commas."
        f" {advice} it as comma-separated UTF-8."
    )


def guess_separator(header: CsvRecord) -> str | None:
    """Return what seems to separate the columns of a header instead of commas, or ``None``."""
    return next((called for mark, called in _SEPARATORS.items() if any(mark in name for name in header.fields)), None)


def _broken_quotes(source: str, first_line: int, line: int) -> str:
    return (
        f"{source} line {line}: text follows a closing quote in the record that starts on line {first_line};"
        ' expected a quote inside a quoted field to be written "". Rows after it cannot be told apart, so'
        " nothing was read. Double the quote, or close one left open before it."
    )


def _refuse_quote_after_space(record: CsvRecord, source: str) -> None:
    """Refuse ``a, "b"``: to csv that quote is text, so a comma or line break after it would tear the row."""
    for field in record.fields:
        if field.startswith('"') or not field.lstrip().startswith('"'):
            continue
        quoted = '"' + field.replace('"', '""') + '"'
        if quoted not in record.raw:
            message = (
                f"{source} line {record.line}: a quote follows a space ({field[:20]!r}) and so does not open"
                " a quoted field; expected it right after the comma. Nothing was read. Remove the space."
            )
            raise InputError(message)
