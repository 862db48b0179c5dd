"""
A CSV file as records: fields, the physical line each record starts on, and its text as it stands in the file.

Python's ``csv`` module reads in strict mode, so that no character is dropped silently. A fault after which
rows cannot be told apart stops the whole file: reading on would give halves of rows. The one exception is a
quote still open at the end of the file, as a cut upload leaves it: the records before it are whole, and it
alone is marked.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.distill.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "gzip data",
}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_LINE_ENDS = re.compile(rb"\r\n?|\n")
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
    """The header and the records below it; ``has_mark`` when the file began with a byte order mark."""

    header: CsvRecord
    records: list[CsvRecord]
    has_mark: bool


def read_table(body: bytes, *, source: str, encoding: str) -> CsvTable:
    """Return the records of a comma-separated file. Empty lines are no records.

    :param source: how messages call the file.
    :param encoding: a Python codec name; a UTF-8 byte order mark is understood under ``utf-8``.
    :raises InputError: the file cannot be read as a whole; says where, what was found and what to do.
    """
    text = _decode(body, source=source, encoding=encoding)
    if not text.strip("\ufeff \t\r\n"):
        found = "is empty (0 bytes)" if not body else f"holds only white space ({len(body)} bytes)"
        raise InputError(f"{source} {found}; expected a header and at least one row. Upload the file again.")
    has_mark = text.startswith("\ufeff")
    header, *records = _records(text.removeprefix("\ufeff"), source)
    if header.truncated:
        message = (
            f"{source} line {header.line}: a quote opened in the header is never closed; expected the column"
            " names. Close the quote."
        )
        raise InputError(message)
    if not records:
        message = f"{source} has a header and no rows: {header.raw.strip()!r}. Expected at least one row below it."
        raise InputError(message)
    return CsvTable(header, records, has_mark)


def _decode(body: bytes, *, source: str, encoding: str) -> str:
    try:
        codec = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        message = f"Unknown encoding {encoding!r} for {source}. Expected a codec name such as utf-8 or cp1252."
        raise InputError(message) from error
    _refuse_other_kinds(body, source=source, codec=codec)
    try:
        text = body.decode(encoding)
        text.encode()  # some codecs let unpaired surrogates through, which no output file can hold
    except UnicodeDecodeError as error:
        raise InputError(_undecodable(body, source, encoding, error)) from error
    except (UnicodeError, LookupError) as error:
        message = f"{source} cannot be read as {encoding} ({error}). Declare the encoding it was saved in."
        raise InputError(message) from error
    return text


def _undecodable(body: bytes, source: str, encoding: str, error: UnicodeDecodeError) -> str:
    line = len(_LINE_ENDS.findall(body, 0, error.start)) + 1
    return (
        f"{source} line {line}: byte 0x{body[error.start]:02x} at byte offset {error.start} is not {encoding}"
        f" ({error.reason}). Nothing was read. Declare its encoding (files saved by Excel are often cp1252)"
        " or save it as UTF-8."
    )


def _refuse_other_kinds(body: bytes, *, source: str, codec: str) -> None:
    for signature, kind in _SIGNATURES.items():
        if body.startswith(signature):
            raise InputError(f"{source} is {kind}, not CSV text. Save or unpack it as comma-separated UTF-8.")
    if codec.startswith(("utf-16", "utf-32")):
        return
    if body.startswith(_WIDE_MARKS):
        message = (
            f"{source} begins with a UTF-16 or UTF-32 byte order mark ({body[:4].hex(' ')} at byte offset 0);"
            f" expected {codec}. Declare its encoding (utf-16) or save it as UTF-8."
        )
        raise InputError(message)
    if body.startswith(codecs.BOM_UTF8) and not codec.startswith("utf-8"):
        message = (
            f"{source} begins with a UTF-8 byte order mark (ef bb bf at byte offset 0) but is declared as"
            f" {codec}. Declare utf-8."
        )
        raise InputError(message)
    nul = _LINE_ENDS.split(body, maxsplit=1)[0].find(b"\0")
    if nul >= 0:
        message = (
            f"{source} is binary: a NUL byte stands in line 1 at byte offset {nul}; expected text that begins"
            " with column names. If it is UTF-16 without a byte order mark, declare its encoding (utf-16-le)."
        )
        raise InputError(message)


class _PhysicalLines:
    """Feed lines to the csv reader and remember those of the record being read."""

    def __init__(self, text: str) -> None:
        # newline="" ends lines at \n, \r\n and \r and leaves these as they are.
        self._text = io.StringIO(text, newline="")
        self._taken: list[str] = []
        self.number = 0
        self.exhausted = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline()
        if not line:
            self.exhausted = True
            raise StopIteration
        self.number += 1
        self._taken.append(line)
        return line

    def take(self) -> str:
        """Return the lines since the last call, joined."""
        raw = "".join(self._taken)
        self._taken.clear()
        return raw


def _records(text: str, source: str) -> list[CsvRecord]:
    lines = _PhysicalLines(text)
    reader = csv.reader(lines, strict=True)
    records: list[CsvRecord] = []
    with _fields_up_to(len(text)):
        while True:
            first_line = lines.number + 1
            try:
                fields = next(reader)
            except StopIteration:
                return records
            except csv.Error as error:
                if lines.exhausted:
                    rest = CsvRecord(first_line, lines.number, [], lines.take(), truncated=True)
                    return [*records, rest]
                raise InputError(_broken_quotes(source, first_line, lines.number)) from error
            record = CsvRecord(first_line, lines.number, fields, lines.take())
            _refuse_quote_after_space(record, source)
            if not records and len(fields) == 1:
                raise InputError(_one_column(record, source))
            if fields:
                records.append(record)


@contextmanager
def _fields_up_to(characters: int) -> Iterator[None]:
    """Let csv read fields of that many characters.

    The limit is the process's, not the reader's: it is only raised, by one reader at a time, and put back.
    """
    with _limit_lock:
        before = csv.field_size_limit()
        csv.field_size_limit(max(before, characters + 1))
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _one_column(header: CsvRecord, source: str) -> str:
    name = header.fields[0]
    used = next((called for separator, called in _SEPARATORS.items() if separator in name), None)
    advice = f"It seems to be separated by {used}; save" if used else "Save"
    return (
        f"{source} line {header.line}: one column found, {name[:200]!r}; expected a document, a question and"
        f" an answer, separated by commas. {advice} it as comma-separated UTF-8."
    )


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
