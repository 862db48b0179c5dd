"""Explain why the first line of a CSV file is not a usable header, and what to do."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence

from include.distill.dataset.tables import TableRecord

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", "，": "full-width commas", "،": "Arabic commas"}
_LONGEST_QUOTED = 60  # in characters; most headers with a wrong separator are shorter
# Such a line tells Excel which character separates the columns of the lines below.
_SEPARATOR_LINE = re.compile(r"\s*sep\s*=\s*(.?)[\s,]*", re.IGNORECASE)


def guess_separator(header: TableRecord) -> str | None:
    """Return the name of the separator that a header seems to use instead of commas, or ``None``."""
    text = "\n".join(header.fields)
    counts = {name: text.count(mark) for mark, name in _SEPARATORS.items()}
    name = max(counts, key=lambda name: counts[name])
    return name if counts[name] else None


def _has_as_many(separator: str, header: TableRecord, row: TableRecord) -> bool:
    """Return whether a row contains the separator at least as often as the header does.

    A row may contain it more often, because the texts of the row may contain the same character.
    """
    mark = next(mark for mark, name in _SEPARATORS.items() if name == separator)
    return ",".join(row.fields).count(mark) >= header.fields[0].count(mark)


def separator_of(text: str) -> str | None:
    """Return the separator's name if ``text``, the beginning of a file, is a table that is not separated by commas."""
    lines = [line for line in text.splitlines()[:10] if line.strip()][:2]
    try:
        rows = [TableRecord(1, fields, "") for fields in csv.reader(lines)]
    except csv.Error:
        return None
    if not rows or len(rows[0].fields) != 1:
        return None
    separator = guess_separator(rows[0])
    return separator if separator and all(_has_as_many(separator, rows[0], row) for row in rows[1:]) else None


def save_as_csv(declared: str) -> str:
    """Return the advice to save a file as comma-separated UTF-8.

    If the file is declared with another encoding, the advice also says to set ``source.encoding`` to ``utf-8``.

    :param declared: the declared encoding of the file.
    """
    is_default = codecs.lookup(declared).name.startswith("utf-8")
    return "save the file as comma-separated UTF-8" + ("" if is_default else " and set source.encoding to utf-8")


def one_column_message(
    header: TableRecord, below: Sequence[TableRecord], *, source: str, expected: str, encoding: str
) -> str:
    """Return the message for a header that has only one column.

    :param below: the first records below the header.
    :param expected: a phrase that describes the expected columns.
    :param encoding: the declared encoding.
    """
    name = header.fields[0]
    # A longer line may be a row, and the texts of a row must not reach the log.
    quoted = f", {name!r}" if len(name) <= _LONGEST_QUOTED else f" with {len(name):,} characters"
    return (
        f"{source} line {header.line}: found only one column{quoted}; expected {expected}, separated by commas."
        f" Nothing was read. {_one_column_advice(header, below, save_as_csv(encoding))}"
    )


def _one_column_advice(header: TableRecord, below: Sequence[TableRecord], save: str) -> str:
    if _SEPARATOR_LINE.fullmatch(header.fields[0]):
        separator = guess_separator(below[0]) if below and len(below[0].fields) == 1 else None
        columns = f" The columns seem to be separated by {separator}, so also {save}." if separator else ""
        return f"The line is a setting for Excel, not the header. Remove the line.{columns}"
    if "," in header.fields[0] and all(len(record.fields) == 1 for record in below):
        quoted = "The whole line is enclosed in quotes, so its commas do not separate columns."
        return f"{quoted} Remove the quotes, or {save}."
    separator = guess_separator(header)
    if separator and (not below or _has_as_many(separator, header, below[0])):
        return f"The columns seem to be separated by {separator}; {save}."
    wider = max(below, key=lambda record: len(record.fields), default=header)
    if len(wider.fields) > 1:
        names = ", ".join(repr(field[:40]) for field in wider.fields[:5])
        return (
            f"Line {wider.line} has {len(wider.fields)} columns ({names}). If that line is the header, remove the lines"
            f" above it; otherwise {save}."
        )
    if separator := next(filter(None, map(guess_separator, below)), None):
        return (
            f"The columns of the lines below line {header.line} seem to be separated by {separator}. If the header is"
            f" on one of these lines, remove the lines above the header, and {save}."
        )
    return f"S{save[1:]}."


def header_hints(header: TableRecord, *, has_mark: bool, encoding: str) -> Iterator[str]:
    """Yield sentences that may explain why a header with several columns lacks an expected column."""
    if has_mark:
        yield "The file begins with a byte order mark (U+FEFF), which is not part of the first column name."
    if _SEPARATOR_LINE.fullmatch(header.raw):
        yield f"Line {header.line} is a setting for Excel, not the header: remove the line."
    if separator := guess_separator(header):
        yield f"The columns seem to be separated by {separator}; if so, {save_as_csv(encoding)}."
    if any(name.strip()[:1] == "'" == name.strip()[-1:] for name in header.fields):
        yield "The names are in single quotes, which CSV does not remove; use double quotes, or none."
