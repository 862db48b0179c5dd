"""
The bytes of a CSV file as lines of text, in the declared encoding; what is no such text is refused with its place.

Nothing is guessed and nothing is replaced: a byte that the encoding does not know stops the reading, with the line and
the byte offset where it stands. Files of other kinds are known by how they begin. An encoding of one byte per character
knows every byte; UTF-8 that was declared as one is found out when all of the file was read.

Lines end at LF or CRLF, or at CR where the first line does. A lone CR in a file of the former kind is text: taken for a
line end, it would tear a row.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from io import BufferedIOBase, BytesIO, TextIOWrapper
from typing import IO

from include.distill.core.errors import InputError

# A record or line may be so long, in characters. Behind a quote that nobody closes, the rest of a file is one record.
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
    b"{\\rtf": "rich text",
}
_TEXT_KINDS = (
    (re.compile(rb'\s*(?:\{\s*"|\[\s*[\[{])'), "JSON"),
    (re.compile(rb"\s*<(?:\?xml|!doctype|html|error)\b", re.IGNORECASE), "a web page or XML (a sign-in page, perhaps)"),
)
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_WIDE = ("utf-16", "utf-32")
# To Python these are encodings of text. They read "\n" or "xn--" as something else, so the text would be another one.
_REWRITING = {"unicode_escape", "unicode-escape", "raw_unicode_escape", "raw-unicode-escape", "idna", "punycode"}
_BYTE_LINE_ENDS = re.compile(rb"\r\n?|\n")
_LINE_ENDS = re.compile(r"\r\n?|\n")
_LONE_CR = re.compile(r"\r(?!\n|\Z)")
_CR_AS_TEXT = "\udc0d"  # half a character, and so in no text; csv would take a CR for the end of a row
_ONE_BYTE = ("cp1", "cp4", "cp7", "cp8", "hp-roman8", "iso8859", "koi8", "kz1048", "latin", "mac", "ptcp154", "tis-620")


class CsvLines:
    """
    The lines of a file, as they stand in it with their ends, and how far reading has come.

    :param body: its bytes, read once.
    :param source: how messages call the file.
    :param encoding: a Python codec name; a UTF-8 byte order mark is understood under ``utf-8``.
    :raises InputError: the encoding is none, or the file is of another kind.
    """

    def __init__(self, body: IO[bytes], *, source: str, encoding: str) -> None:
        self.source = source
        self.encoding = encoding
        codec = _codec(encoding, source)
        head = body.read(_HEAD_BYTES)
        _refuse_other_kinds(head, source=source, codec=codec)
        self._bytes = _CountedBytes(head, body)
        first = _LINE_ENDS.search(head.decode(encoding, errors="ignore").lstrip("\ufeff\r\n"))
        self._ends_at_cr = first is not None and first.group() == "\r"
        # Both leave line ends as they are.
        self._text = TextIOWrapper(self._bytes, encoding=encoding, newline="" if self._ends_at_cr else "\n")
        self._doubted = codec.startswith(_ONE_BYTE)
        self._other = ""
        self._taken: list[str] = []
        self._characters = 0
        self.has_mark = False
        self.number = 0
        self.exhausted = False

    @property
    def size(self) -> int:
        """Bytes read so far; at the end, of the file."""
        return self._bytes.count

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._readline()
        if not line:
            self.exhausted = True
            self._refuse_utf8()
            raise StopIteration
        self.number += self._ends(line)
        self._characters += len(line)
        if self._characters > MAX_RECORD_LENGTH:
            raise InputError(self._endless())
        if self.number == 1 and line.startswith("\ufeff"):
            self.has_mark, line = True, line[1:]
        self._taken.append(line)
        if self._doubted and not line.isascii():
            self._check_is_really_single_byte(line)
        return line if self._ends_at_cr or "\r" not in line else _LONE_CR.sub(_CR_AS_TEXT, line)

    def take_raw(self) -> str:
        """Return the lines since the last call, joined."""
        raw = "".join(self._taken)
        self._taken.clear()
        self._characters = 0
        return raw

    def finish_encoding_check(self) -> None:
        """Where reading ends early, look on until the encoding of what was read is settled.

        :raises InputError: the file is of another encoding.
        """
        while self._doubted and self._other and (line := self._readline()):
            self.number += self._ends(line)
            self._check_is_really_single_byte(line)
        self._refuse_utf8()

    def _ends(self, line: str) -> int:
        return 1 if self._ends_at_cr else max(1, len(_LINE_ENDS.findall(line)))

    def _refuse_utf8(self) -> None:
        if self._doubted and self._other:
            raise InputError(self._really_utf8())

    def _check_is_really_single_byte(self, line: str) -> None:
        """Look whether the bytes of a line are UTF-8; one line that is not settles that the file is none."""
        try:
            text = line.encode(self.encoding).decode()
            self._other = self._other or text
        except UnicodeError:
            self._doubted = False

    def _really_utf8(self) -> str:
        shown = next(character for character in self._other if not character.isascii())
        return (
            f"{self.source} is declared as {self.encoding}, and all of it is valid UTF-8, so it would be read wrongly"
            f" ({shown!r} as {shown.encode().decode(self.encoding, 'replace')!r}). Nothing was read. Declare utf-8."
        )

    def _readline(self) -> str:
        try:
            line = self._text.readline(MAX_RECORD_LENGTH + 1)
            line.encode()  # some codecs let unpaired surrogates through, which no output file can hold
        except UnicodeDecodeError as error:
            raise InputError(self._undecodable(error)) from error
        except (UnicodeError, LookupError) as error:
            message = (
                f"{self.source} line {self.number + 1} cannot be read as {self.encoding} ({error})."
                " Declare the encoding it was saved in."
            )
            raise InputError(message) from error
        return line

    def _undecodable(self, error: UnicodeDecodeError) -> str:
        data = bytes(error.object)
        offset = self.size - len(data) + error.start
        before = data[: error.start].decode(self.encoding, errors="replace")
        line = self.number + len(_LINE_ENDS.findall(before)) + 1
        return (
            f"{self.source} line {line}: byte 0x{data[error.start]:02x} at byte offset {offset} is not {self.encoding}"
            f" ({error.reason}). Nothing was read. Declare its encoding (files saved by Excel are often cp1252)"
            " or save it as UTF-8."
        )

    def _endless(self) -> str:
        first = self.number - len(self._taken)
        return (
            f"{self.source} line {first}: the record that starts here is longer than {MAX_RECORD_LENGTH:,} characters;"
            " a quote was opened and never closed, or the file has no line ends. Nothing was read. Close the quote."
        )


class _CountedBytes(BufferedIOBase):
    """The head that was looked at and the rest behind it, counted."""

    name = "CSV"  # TextIOWrapper asks for one

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
    """Return fields, read from these lines, with lone CRs in place."""
    return [field.replace(_CR_AS_TEXT, "\r") for field in fields]


def _codec(encoding: str, source: str) -> str:
    try:
        codec = codecs.lookup(encoding).name
        TextIOWrapper(BytesIO(), encoding=encoding)  # "hex" is a codec, and none of text
        codecs.getincrementaldecoder(encoding)().decode(b"\n")  # "undefined" is one that reads none
    except (LookupError, ValueError) as error:
        message = f"Unknown encoding {encoding!r} for {source}. Expected a codec name such as utf-8 or cp1252."
        raise InputError(message) from error
    if codec in _REWRITING:
        message = (
            f"Encoding {encoding!r} of {source} rewrites text (it reads escapes); expected a codec such as utf-8 or"
            " cp1252."
        )
        raise InputError(message)
    return codec


def _refuse_other_kinds(head: bytes, *, source: str, codec: str) -> None:
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            raise InputError(f"{source} is {kind}, not CSV text. Save or unpack it as comma-separated UTF-8.")
    if codec.startswith(_WIDE):
        return
    _refuse_marks(head, source=source, codec=codec)
    nul = _BYTE_LINE_ENDS.split(head, maxsplit=1)[0].find(b"\0")
    if nul >= 0:
        wide = "utf-16-le" if nul % 2 else "utf-16-be"
        message = (
            f"{source} is binary: a NUL byte stands in line 1 at byte offset {nul}; expected text that begins"
            f" with column names. If it is UTF-16 without a byte order mark, declare its encoding ({wide})."
        )
        raise InputError(message)
    for begin, kind in _TEXT_KINDS:
        if begin.match(head.removeprefix(codecs.BOM_UTF8)):
            first = head[:40].decode("ascii", "replace")
            message = (
                f"{source} line 1 begins like {kind}: {first!r}; expected the column names of a CSV file, such as"
                " doc,question,answer. Export it as comma-separated UTF-8."
            )
            raise InputError(message)


def _refuse_marks(head: bytes, *, source: str, codec: str) -> None:
    if head.startswith(_WIDE_MARKS):
        wide = "utf-32" if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) else "utf-16"
        message = (
            f"{source} begins with a UTF-16 or UTF-32 byte order mark ({head[:4].hex(' ')} at byte offset 0);"
            f" expected {codec}. Declare its encoding ({wide}) or save it as UTF-8."
        )
        raise InputError(message)
    if head.startswith(codecs.BOM_UTF8) and not codec.startswith("utf-8"):
        message = (
            f"{source} begins with a UTF-8 byte order mark (ef bb bf at byte offset 0) but is declared as"
            f" {codec}. Declare utf-8."
        )
        raise InputError(message)
