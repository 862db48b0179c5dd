"""
Read records with quotes that Python's ``csv`` module refuses, and recognize quotes that swallow rows.

A quote at the start of an unquoted field by mistake opens a quoted field. If no other quote follows, the field contains
the rest of the file. If a second stray quote closes it, several rows become one record with the right number of fields.
Such a record cannot be told from a legal one by its fields. But each of its lines, split at every separator, has
exactly as many fields as the header. In a legal record with a CSV table in a cell, the first and the last line also
have the cells next to the table, so that at least one line has another number of fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

_LINE_END = re.compile(r"\r\n?|\n")
_QUESTION_MARKS = ("?", "？", "؟", ";", "՞", "፧")
# A truncated upload ends in a record whose lines are text. Below this share of complete rows, they count as text.
_SHARE_OF_ROWS = 0.5
_COLUMNS_OF_ONE_SHAPE = 2
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d+")
_SHARE_OF_SPACED_ROWS = 0.8
_FEWEST_SPACED_ROWS = 5


class TextAfterQuoteError(ValueError):
    """Text other than white space follows a closing quote."""


@lru_cache
def _patterns(separator: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return patterns for a quoted field, for a field whose quote is still open, and for an unquoted field."""
    mark = re.escape(separator)
    end = rf"(?={mark}|[\r\n]*\Z)"
    return (
        re.compile(rf'"((?:[^"]|"")*+)"(?:(?!{mark})[^\S\r\n])*{end}'),
        re.compile(r'"(?:[^"]|"")*+\Z'),
        re.compile(rf"((?:(?!{mark})[^\n])*?){end}"),
    )


def split_with_spaces(record: str, separator: str) -> list[str] | None:
    """Split a record in which white space may follow closing quotes; return ``None`` if a quote is still open.

    :raises TextAfterQuoteError: other text follows a closing quote.
    """
    fields, position = [], 0
    for quoted, is_open, start, end in _scan(record, separator):
        if is_open:
            return None
        field = record[start:end]
        fields.append(field.replace('""', '"') if quoted else field)
        position = end
    if not fields or position > len(record):
        raise TextAfterQuoteError
    return fields


def _scan(record: str, separator: str) -> Sequence[tuple[bool, bool, int, int]]:
    """Return, for each field: whether it is quoted, whether its quote is still open, and where its text is."""
    quoted_field, open_field, plain_field = _patterns(separator)
    found: list[tuple[bool, bool, int, int]] = []
    position = 0
    while True:
        if record.startswith('"', position):
            match = quoted_field.match(record, position)
            if match is None:
                if open_field.match(record, position):
                    return [*found, (True, True, position, len(record))]
                raise TextAfterQuoteError
        else:
            match = plain_field.match(record, position)
            if match is None:
                raise TextAfterQuoteError
        found.append((record.startswith('"', position), False, *match.span(1)))
        position = match.end()
        if not record.startswith(separator, position):
            return found
        position += len(separator)


def read_until_closed(record: str, separator: str, next_line: Callable[[], str]) -> list[str] | None:
    """Read a record on which the ``csv`` module stopped, in which white space may follow closing quotes.

    :param record: the lines of the record that were read so far.
    :param next_line: returns the next line, or an empty string at the end of the file.
    :return: the fields; ``None`` if a quote is still open at the end of the file.
    :raises TextAfterQuoteError: other text follows a closing quote.
    """
    lines = [record]
    fields = split_with_spaces(record, separator)
    while fields is None:
        line = next_line()
        if not line:
            return None
        lines.append(line)
        # Only a line with a quote can close the field.
        if '"' in line:
            fields = split_with_spaces("".join(lines), separator)
    return fields


def line_of_open_quote(record: str, separator: str) -> int:
    """Return how many line ends are before the quote that is still open in a record."""
    *_, (_, _, start, _) = _scan(record, separator)
    return len(_LINE_END.findall(record, 0, start))


def count_swallowed_rows(record: str, separator: str, width: int) -> int:
    """Count the complete rows that an open quote has swallowed; return 0 if its lines look like text instead.

    :param record: the last record of the file, whose last quote is still open.
    :param width: number of fields of the header.
    """
    try:
        opening, *lines = _LINE_END.split(record)[line_of_open_quote(record, separator) :]
    except TextAfterQuoteError:
        return 0
    lines = [line for line in lines if line.strip()]
    rows = [line for line in lines if line.count(separator) == width - 1]
    tight = [line for line in rows if not _has_spaces_after(separator, line)]
    # A single row below the quote is no sign, unless the file ends after complete lines that are all rows.
    if len(tight) == len(lines) == 1 and record.endswith(("\n", "\r")) and opening.count(separator) == width - 1:
        return 1
    if len(tight) > 1 and len(tight) >= _SHARE_OF_ROWS * len(lines):
        return len(tight)
    is_spaced = len(rows) >= _FEWEST_SPACED_ROWS and len(rows) >= _SHARE_OF_SPACED_ROWS * len(lines)
    return len(rows) if is_spaced else 0


def count_merged_rows(record: str, separator: str, width: int) -> int:
    """Count the rows that two stray quotes have merged into one record; return 0 if the record is a single row.

    :param record: the record's text in the file.
    :param width: number of fields of the header.
    """
    if '"' not in record or '""' in record:
        return 0
    first = _LINE_END.search(record)
    if not first or first.end() == len(record) or record.count(separator, 0, first.start()) != width - 1:
        return 0
    lines = [line for line in _LINE_END.split(record) if line.strip()]
    if len(lines) < 2 or any(line.count(separator) != width - 1 for line in lines):
        return 0
    rows = [[cell.strip('"\r') for cell in line.split(separator)] for line in lines]
    # Each row has its question in the same column.
    if any(all(cell.rstrip().endswith(_QUESTION_MARKS) for cell in column) for column in zip(*rows, strict=True)):
        return len(rows)
    # The rows of a file often resemble each other, unlike the header, the rows and the notes of a table in a cell.
    shapes = [{_shape(cell) for cell in column} for column in zip(*rows, strict=True)]
    alike = sum(len(shape) == 1 and len(min(shape)) > 1 for shape in shapes)  # single words do not count
    if alike >= (width if len(rows) == 2 else _COLUMNS_OF_ONE_SHAPE):
        return len(rows)
    is_prose = all(sum(" " in cell.strip() for cell in row) > 1 for row in rows)
    is_tight = not any(_has_spaces_after(separator, line) for line in lines)
    return len(rows) if is_prose and is_tight else 0


def _shape(cell: str) -> str:
    """Return a cell with "a" for each run of letters and "9" for each run of digits."""
    return _DIGITS.sub("9", _LETTERS.sub("a", cell.strip()))


def _has_spaces_after(separator: str, line: str) -> bool:
    """Return whether white space follows a separator, as it follows commas in text."""
    return any(mark == separator and after.isspace() for mark, after in pairwise(line.rstrip()))
