"""
Read records that Python's ``csv`` module refuses because of their quotes, and recognize quotes that swallow rows.

A stray quote at the start of an unquoted field opens a quoted field. If no other quote follows, the field contains the
rest of the file. If a second stray quote closes the field, several rows become one record with the right number of
fields. For example, these two rows are read as one record, whose third field has two lines::

    document 1,question 1,"answer 1
    document 2,question 2,answer 2"

The fields look correct. But if each line of the record is split at its commas, every line has as many fields as the
header: three. A correct record with a CSV table in a cell differs: its first and last line also have the cells next to
the table, so at least one line has a different number of fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

_LINE_END = re.compile(r"\r\n?|\n")
# A line that cannot close an open quote: all of its quotes are doubled.
_STAYS_OPEN = re.compile(r'(?:[^"]|"")*+')
_QUESTION_MARKS = ("?", "？", "؟", ";", "՞", "፧")
# If less than this share of the lines below an open quote are complete rows, all of these lines count as text: the
# upload was then probably cut off inside a text with several lines.
_SHARE_OF_ROWS = 0.5
_COLUMNS_OF_ONE_SHAPE = 2
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d+")
_SHARE_OF_SPACED_ROWS = 0.8
_FEWEST_SPACED_ROWS = 5
# A truncated upload may end inside a CSV table in a cell. Up to this number of lines that look like rows are taken for
# such a table, not for rows that a stray quote has swallowed.
_LINES_OF_A_TABLE = 20
_FEWEST_ENCLOSED_ROWS = 3
_ROWS_TO_LEARN_FROM = 100
_FEWEST_ROWS_TO_LEARN_FROM = 3


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


def _scan(record: str, separator: str) -> Sequence[tuple[bool, bool, int, int]]:
    """Return, for each field: whether it is quoted, whether its quote is still open, and its text's start and end."""
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
    """Finish reading a record that the ``csv`` module refused. White space may follow the closing quote of a field.

    :param record: the lines of the record that were read so far.
    :param next_line: returns the next line, or an empty string at the end of the file.
    :return: the fields; ``None`` if a quote is still open at the end of the file.
    :raises TextAfterQuoteError: other text follows a closing quote.
    """
    fields: list[str] = []
    part = record
    while True:
        found = _scan(part, separator)
        for quoted, is_open, start, end in found:
            if not is_open:
                field = part[start:end]
                fields.append(field.replace('""', '"') if quoted else field)
        _, is_open, start, _ = found[-1]
        if not is_open:
            return fields
        # Only the open field and the lines that end it are scanned again. Otherwise, the time would grow with the
        # square of the length of the record.
        pieces = [part[start:]]
        while line := next_line():
            pieces.append(line)
            if not _STAYS_OPEN.fullmatch(line):
                break
        else:
            return None
        part = "".join(pieces)


def line_of_open_quote(record: str, separator: str) -> int:
    """Return how many line endings precede the quote that is still open in a record."""
    *_, (_, _, start, _) = _scan(record, separator)
    return len(_LINE_END.findall(record, 0, start))


def count_swallowed_rows(record: str, separator: str, width: int, largest_table: int = 0) -> int:
    """Count the complete rows that an open quote has swallowed; return 0 if the lines below the quote look like text.

    :param record: the last record of the file, whose last quote is still open.
    :param width: number of fields of the header.
    :param largest_table: see :class:`QuotedRows`.
    """
    try:
        *_, (_, _, start, _) = fields = _scan(record, separator)
    except TextAfterQuoteError:
        return 0
    opening, *lines = _LINE_END.split(record[start:])
    fits_header = len(fields) + opening.count(separator) == width
    lines = [line for line in lines if line.strip()]
    rows = [line for line in lines if line.count(separator) == width - 1]
    tight = [line for line in rows if not _has_spaces_after(separator, line)]
    has_line_end = record.endswith(("\n", "\r"))
    # A single row below the quote may be text. It counts only if it is the last line and has a line ending, and if the
    # line with the quote is a row too.
    if len(tight) == len(lines) == 1 and has_line_end and fits_header:
        return 1
    if not has_line_end and lines:
        ends_in_row = lines[-1].count(separator) >= width - 1
        most = max(2 * largest_table, 0 if fits_header or ends_in_row else _LINES_OF_A_TABLE)
        if len(rows) <= most:
            return 0
    if len(tight) > 1 and len(tight) >= _SHARE_OF_ROWS * len(lines):
        return len(tight)
    is_spaced = len(rows) >= _FEWEST_SPACED_ROWS and len(rows) >= _SHARE_OF_SPACED_ROWS * len(lines)
    return len(rows) if is_spaced else 0


class QuotedRows:
    """
    Count how many rows of a file have quoted fields, to judge a quote that is still open at the end of the file.

    Public attributes: ``width`` is the number of fields of the header. ``largest_table`` is the largest number of lines
    inside a single row that look like rows of the file. A row has such lines, for example, if one of its cells contains
    a CSV table.
    """

    def __init__(self, separator: str) -> None:
        self._separator = separator
        self._rows = -1  # the header is not counted
        self._rows_with_quotes = 0
        self.width = 0
        self.largest_table = 0

    @property
    def are_all_rows(self) -> bool:
        """Whether every row counted so far has a quoted field; ``False`` if there are fewer than two rows."""
        return 1 < self._rows == self._rows_with_quotes

    def add(self, raw: str, fields: int) -> None:
        """Count a record that has ``fields`` fields. The first record is the header."""
        self.width = self.width or fields
        self._rows += 1
        if self._rows == 0 or (not raw.startswith('"') and f'{self._separator}"' not in raw):
            return
        self._rows_with_quotes += 1
        if raw.count("\n") > 2 or raw.count("\r") > 2:
            table = sum(line.count(self._separator) == self.width - 1 for line in _LINE_END.split(raw)[1:-1])
            self.largest_table = max(self.largest_table, table)


class QuestionColumn:
    """Find the column in which every cell of the first rows of a file ends with a question mark, if there is one."""

    def __init__(self) -> None:
        self._rows = 0
        self._positions: set[int] = set()

    def add(self, fields: Sequence[str]) -> None:
        """Note which cells of a row end with a question mark. Only the first rows of a file are used."""
        if self._rows == _ROWS_TO_LEARN_FROM or (self._rows and not self._positions):
            return
        positions = {index for index, field in enumerate(fields) if field.rstrip().endswith(_QUESTION_MARKS)}
        self._positions = self._positions & positions if self._rows else positions
        self._rows += 1

    @property
    def position(self) -> int | None:
        """
        The index of the column.

        ``None`` if no column or several columns have a question mark in every cell, or if the file has too few rows.
        """
        is_certain = self._rows >= _FEWEST_ROWS_TO_LEARN_FROM and len(self._positions) == 1
        return next(iter(self._positions)) if is_certain else None


def count_merged_rows(record: str, separator: str, width: int, question_column: int | None = None) -> int:
    """Count the rows that two stray quotes have merged into one record; return 0 if the record is a single row.

    :param record: the record's text in the file.
    :param width: number of fields of the header.
    :param question_column: the column in which the cells of the file end with a question mark, if there is one.
    """
    if '"' not in record or '""' in record:
        return 0
    first = _LINE_END.search(record)
    if not first or first.end() == len(record) or record.count(separator, 0, first.start()) != width - 1:
        return 0
    lines = [line for line in _LINE_END.split(record) if line.strip()]
    if len(lines) < 2 or any(line.count(separator) != width - 1 for line in lines):
        return 0
    spaced = [_has_spaces_after(separator, line) for line in lines]
    # If white space follows some of the commas but not all, the lines are text. After the commas between fields, white
    # space is either always present or always absent.
    if any(spaced) and not all(_has_spaces_after_all(separator, line) for line in lines):
        return 0
    cells = [line.split(separator) for line in lines]
    # A stray quote has no partner in its cell. If a cell begins and ends with a quote, a program has enclosed cells in
    # quotes, so there are no stray quotes.
    if any(len(cell) > 1 and cell[0] == cell[-1] == '"' for row in cells for cell in row):
        return 0
    rows = [[cell.strip('"\r') for cell in row] for row in cells]
    questions = [sum(cell.rstrip().endswith(_QUESTION_MARKS) for cell in column) for column in zip(*rows, strict=True)]
    if question_column is not None:
        has_first_question = rows[0][question_column].rstrip().endswith(_QUESTION_MARKS)
        return len(rows) if has_first_question and questions[question_column] > len(rows) / 2 else 0
    # Each row has its question in the same column.
    if len(rows) in questions:
        return len(rows)
    # Rows of a file often have cells of the same shape. A table in a cell has a header, rows and notes, whose cells
    # differ in shape.
    shapes = [{_shape(cell) for cell in column} for column in zip(*rows, strict=True)]
    alike = sum(len(shape) == 1 and len(min(shape)) > 1 for shape in shapes)  # single words do not count
    if alike >= (width if len(rows) == 2 else _COLUMNS_OF_ONE_SHAPE):
        return len(rows)
    is_prose = all(sum(" " in cell.strip() for cell in row) > 1 for row in rows)
    is_like_a_question = len(rows) == 2 and 1 in questions  # in some column, only one of the two rows has a question
    return len(rows) if is_prose and not any(spaced) and not is_like_a_question else 0


def count_enclosed_rows(record: str, separator: str, width: int, question_column: int | None) -> int:
    """Count the rows that stray quotes have merged into one record with the wrong number of fields.

    Such a record is rejected in any case. If it has many rows, the whole file is refused.

    :return: the number of rows; 0 if too few of the record's lines look like rows of the file.
    """
    lines = [line for line in _LINE_END.split(record) if line.strip()]
    rows = [line.split(separator) for line in lines if line.count(separator) == width - 1]
    if len(rows) < _FEWEST_ENCLOSED_ROWS or len(rows) < _SHARE_OF_SPACED_ROWS * (len(lines) - 1):
        return 0
    if question_column is not None:
        questions = sum(row[question_column].rstrip('" ').endswith(_QUESTION_MARKS) for row in rows)
        return len(rows) if questions > len(rows) / 2 else 0
    is_prose = all(sum(" " in cell.strip() for cell in row) > 1 for row in rows)
    return len(rows) if is_prose and not any(_has_spaces_after(separator, line) for line in lines) else 0


def _shape(cell: str) -> str:
    """Return a cell with "a" for each run of letters and "9" for each run of digits."""
    return _DIGITS.sub("9", _LETTERS.sub("a", cell.strip()))


def _has_spaces_after(separator: str, line: str) -> bool:
    """Return whether at least one separator of the line is followed by white space, as in a sentence."""
    return any(mark == separator and after.isspace() for mark, after in pairwise(line.rstrip()))


def _has_spaces_after_all(separator: str, line: str) -> bool:
    return all(after.isspace() for mark, after in pairwise(line.rstrip()) if mark == separator)
