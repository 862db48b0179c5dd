"""
Read a CSV file record by record: the fields, the line on which each record starts, and the raw text.

One record is in memory at a time, whatever the length of the file. Python's ``csv`` module reads in strict mode, so no
character is dropped silently. pandas would guess types and fill in missing fields, and it does not report line numbers.

If a fault makes it impossible to separate the rows that follow, the whole file is refused, because reading on could
return parts of rows. There is one exception. If a quote is still open at the end of the file, as in a truncated upload,
only the last record is faulty.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from itertools import chain, islice
from typing import IO

from include.distill.core.errors import InputError
from include.distill.dataset.csv_decoding import MAX_RECORD_LENGTH, CsvLines, restore_lone_cr
from include.distill.dataset.tables import RowFault, Table, TableRecord

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_EXPECTED = "a document, a question and an answer"
_limit_lock = threading.Lock()


def read_csv(
    body: IO[bytes],
    *,
    source: str,
    encoding: str,
    limit: int | None = None,
    separator: str = ",",
    expected: str = _EXPECTED,
) -> Table:
    """Read a CSV file as a table. Empty lines are skipped.

    :param body: the file, which is read while the caller iterates over the records.
    :param source: the file's name for messages.
    :param encoding: a Python codec name; with ``utf-8``, a byte order mark is skipped.
    :param limit: maximum number of records to read below the header; ``None`` means no limit.
    :param separator: the character between two fields.
    :param expected: a phrase that describes the expected columns in error messages.
    :raises InputError: the file as a whole cannot be used; see :class:`TableReader`.
    """
    lines = CsvLines(body, source=source, encoding=encoding)
    records = _records(lines, separator)
    header = next((record for record in records if record.raw.strip("\ufeff \t\r\n")), None)
    if header is None:
        content = f"contains only white space ({lines.size} bytes)" if lines.size else "is empty (0 bytes)"
        raise InputError(f"{source} {content}; expected a header and at least one row. Upload the file again.")
    if header.fault:
        message = (
            f"{source} line {header.line}: a quote in the header is never closed; expected the column"
            " names. Nothing was read. Close the quote."
        )
        raise InputError(message)
    if len(header.fields) == 1:
        raise InputError(_one_column(header, source, expected))
    records = _checked_widths(_below(header, records, source, separator), len(header.fields))
    return Table(header, _first(limit, records, lines), tuple(_hints(header, has_mark=lines.has_mark)))


def _first(limit: int | None, records: Iterator[TableRecord], lines: CsvLines) -> Iterator[TableRecord]:
    yield from islice(records, limit)
    lines.finish_encoding_check()


def _below(header: TableRecord, records: Iterator[TableRecord], source: str, separator: str) -> Iterator[TableRecord]:
    first = next(records, None)
    if first is None:
        message = (
            f"{source} has a header and no rows: {header.raw.strip()!r}. Expected at least one row below the header."
            " Upload the file again."
        )
        raise InputError(message)
    for record in chain([first], records):
        yield from _split_at_cr(record, len(header.fields), separator) or [record]


def _split_at_cr(record: TableRecord, width: int, separator: str) -> list[TableRecord]:
    """Split a record with too many fields at its lone CRs; return an empty list if a part is not a complete row."""
    if len(record.fields) <= width or not any("\r" in field for field in record.fields):
        return []
    text = StringIO(record.raw, newline="")
    rows, line = [], record.line
    try:
        with _long_fields():
            for fields in csv.reader(text, strict=True, delimiter=separator):
                rows.append(TableRecord(line, fields, record.raw))
                line += 1
    except csv.Error:
        return []
    return rows if all(len(row.fields) == width for row in rows) else []


def _checked_widths(records: Iterator[TableRecord], width: int) -> Iterator[TableRecord]:
    """Mark a record as faulty if its number of fields differs from the header's."""
    for record in records:
        count = len(record.fields)
        if record.fault or count == width:
            yield record
            continue
        message = (
            f"the row has too {'few' if count < width else 'many'} fields ({count}); expected {width}, as in the"
            " header. Enclose each field that contains commas, quotes or line breaks in quotes."
        )
        yield replace(record, fault=RowFault("too_few_fields" if count < width else "too_many_fields", message))


def _records(lines: CsvLines, separator: str) -> Iterator[TableRecord]:
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
                yield TableRecord(first_line, [], lines.take_raw(), _open_quote(lines.number))
                return
            raise InputError(_broken_quotes(lines.source, first_line, lines.number)) from error
        raw = lines.take_raw()
        record = TableRecord(first_line, restore_lone_cr(fields) if "\r" in raw else fields, raw)
        _refuse_quote_after_space(record, lines.source)
        if fields:
            yield record


@contextmanager
def _long_fields() -> Iterator[None]:
    """Raise the ``csv`` module's limit for the length of a field while one record is read.

    The limit applies to the whole process, not to one reader. Therefore only one thread at a time raises the limit, and
    then restores it.
    """
    with _limit_lock:
        before = csv.field_size_limit()
        csv.field_size_limit(max(before, MAX_RECORD_LENGTH))
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _one_column(header: TableRecord, source: str, expected: str) -> str:
    name = header.fields[0]
    separator = _guess_separator(header)
    advice = f"The columns seem to be separated by {separator}; save" if separator else "Save"
    return (
        f"{source} line {header.line}: found only one column, {name[:200]!r}; expected {expected}, separated by commas."
        f" {advice} the file as comma-separated UTF-8."
    )


def _guess_separator(header: TableRecord) -> str | None:
    """Return the name of the separator that a header seems to use instead of commas, or ``None``."""
    return next((name for mark, name in _SEPARATORS.items() if any(mark in field for field in header.fields)), None)


def _hints(header: TableRecord, *, has_mark: bool) -> Iterator[str]:
    if has_mark:
        yield "The file begins with a byte order mark (U+FEFF), which is not part of the first column name."
    if separator := _guess_separator(header):
        yield f"The columns seem to be separated by {separator}; if so, save the file as comma-separated UTF-8."


def _open_quote(last_line: int) -> RowFault:
    message = (
        f"a quote in this row is still open at the end of the file, on line {last_line}. The upload was truncated, or"
        " a closing quote is missing. Upload the file again, or close the quote."
    )
    return RowFault("truncated", message)


def _broken_quotes(source: str, first_line: int, line: int) -> str:
    return (
        f"{source} line {line}: text follows a closing quote in the record that starts on line {first_line};"
        ' expected each quote inside a quoted field to be doubled (""). The rows that follow cannot be separated, so'
        " nothing was read. Double the quote, or close an earlier quote that is still open."
    )


def _refuse_quote_after_space(record: TableRecord, source: str) -> None:
    """Refuse ``a, "b"``: the quote counts as text, so a comma or line break after the quote would split the row."""
    for field in record.fields:
        if field.startswith('"') or not field.lstrip().startswith('"'):
            continue
        quoted = '"' + field.replace('"', '""') + '"'
        if quoted not in record.raw:
            message = (
                f"{source} line {record.line}: a quote after a space ({field[:20]!r}) does not open a quoted field;"
                " expected the quote directly after the comma. Nothing was read. Remove the space."
            )
            raise InputError(message)
