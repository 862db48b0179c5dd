"""
Read a CSV file record by record: the fields, the line on which each record starts, and the raw text.

One record is in memory at a time, whatever the length of the file. Python's ``csv`` module reads in strict mode, so no
character is dropped silently. pandas would guess types and fill in missing fields, and it does not report line numbers.

If a fault makes it impossible to separate the rows that follow, the whole file is refused, because reading on could
return parts of rows. There is one exception. If a quote is still open at the end of the file, for example in a
truncated upload, only the last record is faulty, unless the lines below the quote look like whole rows.

The module differs from ``csv`` in two ways, and neither loses text. White space may follow a closing quote. Empty
fields at the end of rows are dropped if each of the first 20 rows has the same number of them beyond the header's last
column, for example because a program writes two extra commas at the end of every row.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from itertools import chain, islice
from typing import IO

from include.distill.core.errors import InputError
from include.distill.dataset.csv_decoding import MAX_RECORD_LENGTH, CsvLines, restore_lone_cr
from include.distill.dataset.csv_headers import header_hints, one_column_message
from include.distill.dataset.csv_quotes import (
    QuestionColumn,
    QuotedRows,
    TextAfterQuoteError,
    count_enclosed_rows,
    count_merged_rows,
    count_swallowed_rows,
    line_of_open_quote,
    read_until_closed,
)
from include.distill.dataset.csv_split_rows import mark_split_rows
from include.distill.dataset.tables import NoRowsError, RowFault, Table, TableRecord

_EXPECTED = "a document, a question and an answer"
# Number of records below the header that are read ahead to find the real header, or empty fields at the end of rows.
_RECORDS_AHEAD = 20
# If two stray quotes merge more rows than this, the file is refused. Fewer merged rows are rejected as one row.
_MOST_MERGED_ROWS = 10
_REPLACE = "Replace the file with a complete copy."
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
        raise NoRowsError(f"{source} {content}; expected a header and at least one row. {_REPLACE}")
    if header.fault:
        problem, advice = "a quote in the header is never closed", "Close the quote."
        if lines.is_cut:
            problem, advice = "the file ends inside the header", _REPLACE
        message = f"{source} line {header.line}: {problem}; expected the column names. Nothing was read. {advice}"
        raise InputError(message)
    ahead, fault = _read_ahead(records)
    if len(header.fields) == 1:
        raise InputError(one_column_message(header, ahead, source=source, expected=expected, encoding=encoding))
    width = len(header.fields)
    extra = _empty_fields_at_end(ahead, width)
    note = f"{source}: each row ends with {extra} empty field(s) that the header does not have; they were ignored."
    below = _below(header, chain(ahead, fault, records), source, separator, extra)
    records = mark_split_rows(_checked_rows(below, width, source=source, separator=separator))
    return Table(
        header,
        _first(limit, records, lines),
        tuple(header_hints(header, has_mark=lines.has_mark, encoding=encoding)),
        (note,) if extra else (),
    )


def _read_ahead(records: Iterator[TableRecord]) -> tuple[list[TableRecord], Iterator[TableRecord]]:
    """
    Read the first records below the header, and return them with an iterator that raises a reading error later.

    If a record cannot be read, the iterator raises the error as soon as the caller reads from the iterator. The caller
    can therefore process the records above the faulty one first. If there is no error, the iterator is empty.
    """
    ahead: list[TableRecord] = []
    try:
        ahead.extend(islice(records, _RECORDS_AHEAD))
    except InputError as error:
        return ahead, _raise_later(error)
    return ahead, iter(())


def _raise_later(error: InputError) -> Iterator[TableRecord]:
    raise error
    yield  # makes this function a generator, so that the error is raised when the first record is read


def _empty_fields_at_end(records: Sequence[TableRecord], width: int) -> int:
    """Return the number of empty fields that every record has beyond the header's last column.

    Return 0 if the records differ in length, or if one of these fields is not empty.

    If only one row is longer, nothing is dropped from it. It may have an unquoted comma in a text, which splits the
    text into two fields, and an empty last column. If its last field were dropped, the fields after the comma would be
    in the wrong columns.
    """
    counts = {len(record.fields) - width for record in records if not record.fault}
    extra = counts.pop() if len(counts) == 1 else 0
    are_empty = all(not any(map(str.strip, record.fields[width:])) for record in records)
    return extra if extra > 0 and are_empty else 0


def _first(limit: int | None, records: Iterator[TableRecord], lines: CsvLines) -> Iterator[TableRecord]:
    yield from islice(records, limit)
    lines.finish_encoding_check()


def _below(
    header: TableRecord, records: Iterator[TableRecord], source: str, separator: str, extra: int
) -> Iterator[TableRecord]:
    first = next(records, None)
    if first is None:
        message = (
            f"{source} has a header and no rows: {header.raw.strip()!r}. Expected at least one row below the header."
            f" {_REPLACE}"
        )
        raise NoRowsError(message)
    width = len(header.fields)
    for record in chain([first], records):
        if extra and len(record.fields) == width + extra and not any(map(str.strip, record.fields[width:])):
            yield replace(record, fields=record.fields[:width])
        else:
            yield from _split_at_cr(record, width, separator) or [record]


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


def _checked_rows(records: Iterator[TableRecord], width: int, *, source: str, separator: str) -> Iterator[TableRecord]:
    """
    Yield all records. A record that is not exactly one row is marked as faulty.

    Such a record consists of several rows, or has more or fewer fields than the header.
    """
    questions = QuestionColumn()
    for record in records:
        if record.fault:
            yield record
            continue
        merged = count_merged_rows(record.raw, separator, width, questions.position)
        if not merged and len(record.fields) != width:
            merged = count_enclosed_rows(record.raw, separator, width, questions.position)
        if merged > _MOST_MERGED_ROWS:
            raise InputError(f"{source} line {record.line}: {_merged(merged)} Nothing was read.")
        if merged:
            yield replace(record, fault=RowFault("merged_rows", _merged(merged)))
        elif len(record.fields) != width:
            yield replace(record, fault=_width_fault(record, width))
        else:
            questions.add(record.fields)
            yield record


def _merged(rows: int) -> str:
    return (
        f"{rows} rows were read as one, because a stray quote in the first of them opens a field and a stray quote in"
        " the last closes it. Remove these quotes, or double each quote that is part of the text."
    )


def _width_fault(record: TableRecord, width: int) -> RowFault:
    count = len(record.fields)
    if count < width:
        advice = "Enclose each field that contains commas, quotes or line breaks in quotes."
    elif not any(map(str.strip, record.fields[width:])):
        advice = "The last fields are empty: remove the commas at the end of the row, or enclose fields in quotes."
    elif any(field.strip().startswith("'") for field in record.fields):
        advice = "Single quotes do not enclose a field: use double quotes around fields that contain commas."
    else:
        advice = "Enclose each field that contains commas, quotes or line breaks in quotes."
    message = (
        f"the row has too {'few' if count < width else 'many'} fields ({count}); expected {width}, as in the header."
        f" {advice}"
    )
    return RowFault("too_few_fields" if count < width else "too_many_fields", message)


def _records(lines: CsvLines, separator: str) -> Iterator[TableRecord]:
    reader = csv.reader(lines, strict=True, delimiter=separator)
    quoted = QuotedRows(separator)
    while True:
        first_line = lines.number + 1
        try:
            with _long_fields():
                fields = next(reader)
        except StopIteration:
            if lines.is_cut:  # the last line consists of only a part of a character
                yield TableRecord(first_line, [], "", _cut_character(first_line))
            return
        except csv.Error as error:
            stopped_at = lines.number
            repaired = None if lines.exhausted else _spaces_after_quotes(lines, separator)
            if repaired is None and lines.exhausted:
                yield _unclosed(lines, first_line, separator, quoted)
                return
            if repaired is None:
                raise InputError(_broken_quotes(lines, first_line, stopped_at)) from error
            fields = repaired
        raw = lines.take_raw()
        record = TableRecord(first_line, restore_lone_cr(fields) if "\r" in raw else fields, raw)
        _refuse_quote_after_space(record, lines.source)
        if fields:
            quoted.add(raw, len(fields))
        if lines.is_cut:
            yield replace(record, fault=_cut_character(lines.number))
            return
        if fields:
            yield record


def _spaces_after_quotes(lines: CsvLines, separator: str) -> list[str] | None:
    """Return the fields of a record in which white space follows closing quotes.

    :return: ``None`` if other text follows a closing quote, or if a quote is still open at the end of the file.
    """
    try:
        return read_until_closed(lines.raw, separator, lambda: next(lines, ""))
    except TextAfterQuoteError:
        return None


def _unclosed(lines: CsvLines, first_line: int, separator: str, quoted: QuotedRows) -> TableRecord:
    """Return the last record, whose quote is still open.

    :param quoted: what is known about quotes in the rows above.
    :raises InputError: the lines below the quote are whole rows, so the file was not cut off inside a row.
    """
    raw = lines.take_raw()
    # If every row of the file has quoted fields, a quote in the next row would close a stray quote. So the open quote
    # has swallowed no rows.
    rows = 0 if quoted.are_all_rows else count_swallowed_rows(raw, separator, quoted.width, quoted.largest_table)
    if rows:
        line = first_line + line_of_open_quote(raw, separator)
        message = (
            f"{lines.source} line {line}: a quote opens on this line and is never closed, so at least {rows} row(s)"
            f" below it, up to line {lines.number}, would be read as part of this row. Nothing was read. Close the"
            " quote, or double it if it belongs to the text. If the file was cut off, replace it with a complete copy."
        )
        raise InputError(message)
    return TableRecord(first_line, [], raw, _open_quote(lines.number))


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


def _open_quote(last_line: int) -> RowFault:
    message = (
        f"a quote in this row is still open at the end of the file, on line {last_line}. The file was cut off, or a"
        " closing quote is missing. Close the quote, or replace the file with a complete copy."
    )
    return RowFault("truncated", message)


def _cut_character(line: int) -> RowFault:
    message = (
        f"the file ends inside a character on line {line}, so the end of this row is missing. The file was cut off, or"
        f" source.encoding does not name its encoding. {_REPLACE}"
    )
    return RowFault("truncated", message)


def _broken_quotes(lines: CsvLines, first_line: int, line: int) -> str:
    advice = (
        'The file seems to write a quote as \\"; write it as "".'
        if '\\"' in lines.raw
        else "Double the quote, or close an earlier quote that is still open."
    )
    return (
        f"{lines.source} line {line}: text follows a closing quote in the record that starts on line {first_line};"
        ' expected each quote inside a quoted field to be doubled (""). The rows that follow cannot be separated, so'
        f" nothing was read. {advice}"
    )


def _refuse_quote_after_space(record: TableRecord, source: str) -> None:
    """Refuse ``a, "b"``: the quote counts as text, so a comma or line break after the quote would split the row."""
    for number, field in enumerate(record.fields, start=1):
        if field.startswith('"') or not field.lstrip().startswith('"'):
            continue
        quoted = '"' + field.replace('"', '""') + '"'
        if quoted not in record.raw:
            message = (
                f"{source} line {record.line}: a quote after a space in field {number} does not open a quoted field;"
                " expected the quote directly after the comma. Nothing was read. Remove the space."
            )
            raise InputError(message)
