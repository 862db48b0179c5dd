"""
Decode a CSV file into lines with the declared encoding, and report the line and the byte offset of an invalid byte.

The encoding is never guessed, and no byte is replaced: reading stops at a byte that is not valid in the encoding. Files
of other kinds are recognized by their first bytes and refused. In an encoding with one byte per character, nearly every
byte is valid. If a UTF-8 file is declared with such an encoding, the mistake is detected only at the end of the file. A
file in a Windows encoding that is declared as ISO 8859 is recognized because it seems to have control characters from
U+0080 to U+009F, which do not occur in text.

If the file ends inside a character, for example because an upload was truncated, the incomplete character is ignored.
``is_cut`` then tells the reader that the last record is incomplete.

Lines end at LF or CRLF. If the first line ends at a lone CR, lines also end at a lone CR. In all other files, a lone CR
is text, because treating it as a line ending would split a row.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from io import BufferedIOBase, BytesIO, TextIOWrapper
from itertools import chain
from typing import IO

from include.distill.core.errors import InputError
from include.distill.dataset.encoding_advice import advise, declare

# In characters. If a quote is never closed, the rest of the file is one record, which must not exhaust the memory.
MAX_RECORD_LENGTH = 16 * 2**20

_HEAD_BYTES = 2**16
_SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "gzip data",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ": "xz data",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"PAR1": "a Parquet file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"%PDF": "a PDF",
    b"SQLite format 3\x00": "a SQLite database",
    b"{\\rtf": "rich text",
}
# Files of these kinds cannot contain rows, so the advice to unpack or export the file would not help.
_SIGNATURES_WITHOUT_ROWS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF87a": "a GIF image",
    b"GIF89a": "a GIF image",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
    b"\x7fELF": "a program",
    b"OggS\x00": "audio or video",
    b"ID3\x03": "audio",
    b"ID3\x04": "audio",
}
# Control characters that a text does not contain. A NUL byte is not one of them, because UTF-16 contains many.
_BINARY_BYTES = bytes(set(range(1, 32)) - set(b"\t\n\v\f\r\x0e\x0f\x1a\x1b\x1c\x1d\x1e\x1f"))
_MIN_BINARY_BYTES, _MIN_BINARY_SHARE = 16, 0.02  # in compressed data, about 6% of the bytes are such characters
_TEXT_KINDS = (
    (re.compile(rb'\s*(?:\{\s*"|\[\s*[\[{])'), "JSON"),
    (re.compile(rb"\s*<(?:\?xml|!doctype|html|error)\b", re.IGNORECASE), "a web page or XML (perhaps a sign-in page)"),
)
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_WIDE = ("utf-16", "utf-32")
# Python treats these as text encodings, but they decode escapes such as "\n" or "xn--", which would change the text.
_REWRITING = {"unicode_escape", "unicode-escape", "raw_unicode_escape", "raw-unicode-escape", "idna", "punycode"}
_BYTE_LINE_ENDS = re.compile(rb"\r\n?|\n")
_LINE_ENDS = re.compile(r"\r\n?|\n")
_LONE_CR = re.compile(r"\r(?!\n|\Z)")
# Python's csv module ends a row at a lone CR. A lone CR that is text is therefore replaced with this unpaired
# surrogate, which no valid text contains.
_CR_AS_TEXT = "\udc0d"
# Replaces the incomplete character at the end of a file. It is removed before the line is returned.
_CUT = "\udc1a"
_C1_CONTROL = re.compile("[\x80-\x9f]")
# The Windows encodings of files that are often declared as ISO 8859 by mistake.
_WINDOWS = {
    "iso8859-1": "cp1252", "iso8859-2": "cp1250", "iso8859-5": "cp1251", "iso8859-6": "cp1256", "iso8859-7": "cp1253",
    "iso8859-8": "cp1255", "iso8859-9": "cp1254", "iso8859-13": "cp1257", "iso8859-15": "cp1252",
}  # fmt: skip
# Prefixes of the names of encodings with one byte per character.
_ONE_BYTE_CODECS = (
    "cp1", "cp4", "cp7", "cp8", "hp-roman8", "iso8859", "koi8", "kz1048", "latin", "mac", "ptcp154", "tis-620",
)  # fmt: skip


def _replace_rest_of_character(error: UnicodeError) -> tuple[str, int]:
    """Replace the bytes of an incomplete character at the end of the file; raise the error for other invalid bytes."""
    # Decoders give these reasons only at the end of the file.
    ends = ("unexpected end of data", "truncated data", "incomplete multibyte sequence")
    if isinstance(error, UnicodeDecodeError) and error.reason in ends:
        return _CUT, len(error.object)
    raise error


codecs.register_error("distill_cut_at_end", _replace_rest_of_character)


class CsvLines:
    """
    Iterate over the lines of a file, including their line endings, and count the lines.

    :param body: the file, which is read once from start to end.
    :param source: the file's name for messages.
    :param encoding: a Python codec name; with ``utf-8``, a byte order mark is skipped.
    :raises InputError: the encoding does not exist, or the file is not text.
    """

    def __init__(self, body: IO[bytes], *, source: str, encoding: str) -> None:
        self.source = source
        self.encoding = encoding
        codec = _codec(encoding, source)
        head = body.read(_HEAD_BYTES)
        _refuse_other_kinds(head, source=source, codec=codec)
        self._head = head
        self._bytes = _CountedBytes(head, body)
        first = _LINE_ENDS.search(head.decode(encoding, errors="ignore").lstrip("\ufeff\r\n"))
        self._ends_at_cr = first is not None and first.group() == "\r"
        # Neither value of `newline` translates line endings. They differ only in whether a lone CR ends a line.
        self._text = TextIOWrapper(
            self._bytes,
            encoding=encoding,
            errors="distill_cut_at_end",
            newline="" if self._ends_at_cr else "\n",
        )
        self._may_be_utf8 = codec.startswith(_ONE_BYTE_CODECS)
        self._text_as_utf8 = ""
        self._raw_lines: list[str] = []
        self._raw_length = 0
        self._windows = _WINDOWS.get(codec)
        self._first_control = ""
        self.has_mark = False
        self.is_cut = False
        self.number = 0
        self.exhausted = False

    @property
    def size(self) -> int:
        """The number of bytes read so far."""
        return self._bytes.count

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._readline()
        if not line:
            self.exhausted = True
            self._refuse_utf8()
            self._refuse_windows()
            raise StopIteration
        self.number += self._count_lines(line)
        self._raw_length += len(line)
        if self._raw_length > MAX_RECORD_LENGTH:
            raise InputError(self._record_too_long())
        if self.number == 1 and line.startswith("\ufeff"):
            self.has_mark, line = True, line[1:]
        # In a file joined from several files, a later record may also begin with a byte order mark. Before an opening
        # quote, the mark would hide the quote.
        elif line.startswith('\ufeff"') and not self._raw_lines:
            line = line[1:]
        self._raw_lines.append(line)
        if (self._may_be_utf8 or self._windows) and not line.isascii():
            self._check_encoding(line)
        return line if self._ends_at_cr or "\r" not in line else _LONE_CR.sub(_CR_AS_TEXT, line)

    @property
    def raw(self) -> str:
        """The text of all lines that were read since the last call of :meth:`take_raw`."""
        return "".join(self._raw_lines)

    def take_raw(self) -> str:
        """Return the text of all lines that were read since the last call of this method."""
        raw = self.raw
        self._raw_lines.clear()
        self._raw_length = 0
        return raw

    def finish_encoding_check(self) -> None:
        """Keep reading until it is certain whether the file is UTF-8 despite the declared encoding.

        Call this method when reading stops before the end of the file.

        :raises InputError: the whole file is valid UTF-8 and has characters outside ASCII.
        """
        while self._may_be_utf8 and self._text_as_utf8 and (line := self._readline()):
            self.number += self._count_lines(line)
            self._check_encoding(line)
        self._refuse_utf8()
        self._refuse_windows()

    def _check_encoding(self, line: str) -> None:
        """Look for signs that the file has an encoding other than the declared one."""
        if self._windows and not self._first_control and (control := _C1_CONTROL.search(line)):
            self._first_control = control.group()
            self._control_line = self.number
        if self._may_be_utf8:
            self._compare_with_utf8(line)
        if not self._may_be_utf8:
            self._refuse_windows()

    def _count_lines(self, line: str) -> int:
        """Count lines as an editor does: a lone CR inside a line also starts a new line."""
        return 1 if self._ends_at_cr else max(1, len(_LINE_ENDS.findall(line)))

    def _compare_with_utf8(self, line: str) -> None:
        """Check whether the bytes of a line are valid UTF-8; one invalid line shows that the file is not UTF-8."""
        try:
            text = line.encode(self.encoding).decode()
            self._text_as_utf8 = self._text_as_utf8 or text
        except UnicodeError:
            self._may_be_utf8 = False

    def _refuse_utf8(self) -> None:
        if not self._may_be_utf8 or not self._text_as_utf8:
            return
        shown = next(character for character in self._text_as_utf8 if not character.isascii())
        message = (
            f"{self.source} is declared as {self.encoding}, but the whole file is valid UTF-8 and would be misread"
            f" (for example {shown!r} as {shown.encode().decode(self.encoding, 'replace')!r}). Nothing was read."
            f" {self._declare('utf-8')}"
        )
        raise InputError(message)

    def _refuse_windows(self) -> None:
        if not self._first_control:
            return
        meant = self._first_control.encode("latin-1").decode(str(self._windows), "replace")
        message = (
            f"{self.source} line {self._control_line} has the control character U+{ord(self._first_control):04X} if it"
            f" is read as {self.encoding}; the file is probably {self._windows}, in which the byte is {meant!r}."
            f" Nothing was read. {self._declare(str(self._windows))}"
        )
        raise InputError(message)

    def _readline(self) -> str:
        try:
            line = self._text.readline(MAX_RECORD_LENGTH + 1)
            if line.endswith(_CUT):
                self.is_cut, line = True, line[:-1]
            line.encode()  # some codecs decode to unpaired surrogates, which no UTF-8 file can contain
        except UnicodeDecodeError as error:
            raise InputError(self._undecodable(error)) from error
        except (UnicodeError, LookupError) as error:
            message = (
                f"{self.source} line {self.number + 1} cannot be read as {self.encoding} ({error}). Nothing was read."
                " Set source.encoding in the use case to the encoding in which the file was saved."
            )
            raise InputError(message) from error
        return line

    def _undecodable(self, error: UnicodeDecodeError) -> str:
        data = bytes(error.object)
        offset = self.size - len(data) + error.start
        before = data[: error.start].decode(self.encoding, errors="replace")
        line = self.number + len(_LINE_ENDS.findall(before)) + 1
        rest = iter(lambda: self._bytes.read1(_HEAD_BYTES), b"")
        advice = advise(chain([data], rest), error.start, declared=self.encoding, source=self.source, head=self._head)
        return (
            f"{self.source} line {line}: byte 0x{data[error.start]:02x} at byte offset {offset} is not valid"
            f" {self.encoding} ({error.reason}). Nothing was read. {advice}"
        )

    def _declare(self, encoding: str) -> str:
        return declare(encoding, declared=self.encoding, source=self.source, head=self._head)

    def _record_too_long(self) -> str:
        first = self.number - len(self._raw_lines)
        return (
            f"{self.source} line {first}: the record that starts here is longer than {MAX_RECORD_LENGTH:,} characters."
            " Either a quote is never closed, or the file has no line endings. Nothing was read. Close the quote, or"
            " save the file with one record per line."
        )


class _CountedBytes(BufferedIOBase):
    """A stream that returns ``head``, which was already read from the file, and then ``rest``, and counts all bytes."""

    name = "CSV"  # TextIOWrapper reads this attribute

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest
        self.count = 0

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        part, self._head = self._head[:size], self._head[size:]
        data = part or self._rest.read(size)
        self.count += len(data)
        return data


def restore_lone_cr(fields: list[str]) -> list[str]:
    """Restore the lone CRs in fields that were parsed from :class:`CsvLines`."""
    return [field.replace(_CR_AS_TEXT, "\r") for field in fields]


def _codec(encoding: str, source: str) -> str:
    try:
        codec = codecs.lookup(encoding).name
        TextIOWrapper(BytesIO(), encoding=encoding)  # refuses codecs that are not for text, such as "hex"
        codecs.getincrementaldecoder(encoding)().decode(b"\n")  # refuses "undefined", which decodes nothing
    except (LookupError, ValueError) as error:
        message = (
            f"Unknown encoding {encoding!r} for {source}; expected a codec name such as utf-8 or cp1252. Correct"
            " source.encoding in the use case."
        )
        raise InputError(message) from error
    if codec in _REWRITING:
        message = (
            f"{source}: the encoding {encoding!r} changes the text, because it decodes escape sequences such as \\n."
            " Set source.encoding in the use case to a codec such as utf-8 or cp1252."
        )
        raise InputError(message)
    return codec


def _refuse_other_kinds(head: bytes, *, source: str, codec: str) -> None:
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            message = f"{source} is {kind}, not CSV text. Unpack the file, or export it as comma-separated UTF-8."
            raise InputError(message)
    for signature, kind in _SIGNATURES_WITHOUT_ROWS.items():
        if head.startswith(signature):
            raise InputError(f"{source} is {kind}, not CSV text. Nothing was read. Name a CSV file with the rows.")
    if codec.startswith(_WIDE):
        return
    _refuse_marks(head, source=source, codec=codec)
    first_line = _BYTE_LINE_ENDS.split(head, maxsplit=1)[0]
    binary = len(head) - len(head.translate(None, _BINARY_BYTES))
    # Texts may contain control characters, but the names of columns do not.
    is_first_line_text = first_line == first_line.translate(None, _BINARY_BYTES)
    if not is_first_line_text and binary >= _MIN_BINARY_BYTES and binary > _MIN_BINARY_SHARE * len(head):
        message = (
            f"{source} is binary data, not CSV text: {binary:,} of its first {len(head):,} bytes are control"
            " characters. Nothing was read, and another encoding would not help. Name a CSV file with the rows."
        )
        raise InputError(message)
    nul = first_line.find(b"\0")
    if nul >= 0:
        wide = "utf-16-le" if nul % 2 else "utf-16-be"
        advice = declare(wide, declared=codec, source=source, head=head)
        message = (
            f"{source} is binary: line 1 has a NUL byte at byte offset {nul}; expected text that begins"
            f" with column names. The file may be UTF-16 without a byte order mark. {advice}"
        )
        raise InputError(message)
    for pattern, kind in _TEXT_KINDS:
        if pattern.match(head.removeprefix(codecs.BOM_UTF8)):
            first = head[:40].decode("ascii", "replace")
            message = (
                f"{source} line 1 begins like {kind}: {first!r}; expected the column names of a CSV file, such as"
                " doc,question,answer. Export the data as comma-separated UTF-8."
            )
            raise InputError(message)


def _refuse_marks(head: bytes, *, source: str, codec: str) -> None:
    if head.startswith(_WIDE_MARKS):
        wide = "utf-32" if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) else "utf-16"
        message = (
            f"{source} begins with a UTF-16 or UTF-32 byte order mark ({head[:4].hex(' ')} at byte offset 0);"
            f" expected {codec}. {declare(wide, declared=codec, source=source, head=head)}"
        )
        raise InputError(message)
    if head.startswith(codecs.BOM_UTF8) and not codec.startswith("utf-8"):
        message = (
            f"{source} begins with a UTF-8 byte order mark (ef bb bf at byte offset 0) but is declared as"
            f" {codec}. {declare('utf-8', declared=codec, source=source, head=head)}"
        )
        raise InputError(message)
