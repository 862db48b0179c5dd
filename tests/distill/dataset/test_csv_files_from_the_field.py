"""Read files of many kinds. Each is read without a changed character, or refused with the place and the remedy."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.core.errors import InputError
from include.distill.dataset.csv_decoding import MAX_RECORD_LENGTH
from include.distill.dataset.exact_duplicates import ExactDuplicateIndex, RowLocations
from include.distill.dataset.rows import Duplicates, RowOptions, is_rejected, read_rows

HEADER = "doc,question,answer\n"
H = HEADER.encode()


def rows_of(body: bytes, **options: Any) -> list[dict[str, Any]]:
    return list(
        read_rows(
            BytesIO(body),
            source="f.csv",
            options=RowOptions(**options),
            duplicates=Duplicates(ExactDuplicateIndex(RowLocations())),
        )
    )


def texts_and_reasons(body: bytes, **options: Any) -> list[Any]:
    """Return, for each row, its texts if it is accepted, or the reason for its rejection."""
    rows = rows_of(body, **options)
    return [r["reason"] if is_rejected(r) else (r["document"], r["question"], r["answer"]) for r in rows]


def zipped() -> bytes:
    body = BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("a.csv", HEADER)
    return body.getvalue()


@pytest.mark.parametrize(
    ("body", "options", "expected"),
    [
        pytest.param(b"doc,question,answer\ra,b,c\rd,e,f", {}, [("a", "b", "c"), ("d", "e", "f")], id="CR"),
        pytest.param(
            b"doc,question,answer\r\na,b,c\nd,e,f\rg,h,i\r\n",
            {},
            [("a", "b", "c"), ("d", "e", "f"), ("g", "h", "i")],
            id="all line ends in one file",
        ),
        pytest.param(H + b"a\rb,q,a\n", {}, [("a\rb", "q", "a")], id="a lone CR in a field is text"),
        pytest.param(H + b'"a\rb",q,"c\rd"\n', {}, [("a\rb", "q", "c\rd")], id="a lone CR in quotes is text"),
        pytest.param(H + b"a,b,c\r", {}, [("a", "b", "c")], id="cut between CR and LF"),
        pytest.param(b"\n \n" + H + b"\na,b,c\n\n\n", {}, [("a", "b", "c")], id="blank lines"),
        pytest.param(b" doc , Question,ANSWER \na,b,c\n", {}, [("a", "b", "c")], id="header with spaces"),
        pytest.param(b'"doc","question","answer"\na,b,c\n', {}, [("a", "b", "c")], id="header in quotes"),
        pytest.param(b"doc,question,answer,\na,b,c,\n", {}, [("a", "b", "c")], id="trailing comma everywhere"),
        pytest.param(H + b"a,b,c,\nd,e,f\n", {}, ["too_many_fields", ("d", "e", "f")], id="trailing comma once"),
        pytest.param(H + b'5" disk,a "b" c,d\n', {}, [('5" disk', 'a "b" c', "d")], id="quotes inside a field"),
        pytest.param(H + b",,\na,b,c\n", {}, ["empty_field", ("a", "b", "c")], id="only commas"),
        pytest.param(H + b"a,b,c\n   \n", {}, [("a", "b", "c"), "too_few_fields"], id="only spaces"),
        pytest.param(H + b"a,b,c\n\x1a", {}, [("a", "b", "c"), "too_few_fields"], id="end mark of DOS"),
        pytest.param(H + b"a\0b,q,c\nd,e,f\n", {}, ["control_character", ("d", "e", "f")], id="NUL"),
        pytest.param(
            H + b"a,b,c\n" + H + b"d,e,f\n", {}, [("a", "b", "c"), "header_again", ("d", "e", "f")], id="joined"
        ),
        pytest.param(
            codecs.BOM_UTF8 + H + codecs.BOM_UTF8 + H + b"a,b,c\n",
            {},
            ["header_again", ("a", "b", "c")],
            id="joined, with byte order marks",
        ),
        pytest.param(H + b'=1+1,"=A(""x"")",@B\n', {}, [("=1+1", '=A("x")', "@B")], id="formulas stay"),
        pytest.param(H + b"{{ 7*7 }},{% raw %},{# x #}\n", {}, [("{{ 7*7 }}", "{% raw %}", "{# x #}")], id="templates"),
        pytest.param(
            H + b"../../etc/passwd,s3://a/b,C:\\x\n", {}, [("../../etc/passwd", "s3://a/b", "C:\\x")], id="paths"
        ),
        pytest.param(
            "doc,question,answer\né,€,ü\n".encode("cp1252"), {"encoding": "cp1252"}, [("é", "€", "ü")], id="cp1252"
        ),
        pytest.param(
            "doc,question,answer\né,b,ü\n".encode("latin-1"), {"encoding": "latin-1"}, [("é", "b", "ü")], id="latin"
        ),
        pytest.param(
            "doc,question,answer\né,😀,ü\r\n".encode("utf-16"), {"encoding": "utf-16"}, [("é", "😀", "ü")], id="utf-16"
        ),
        pytest.param(
            "doc,question,answer\n日本,b,c\n".encode("shift-jis"),
            {"encoding": "shift-jis"},
            [("日本", "b", "c")],
            id="shift-jis",
        ),
        pytest.param(H + b"ID3,BM,RIFF\nGIF8,II*,MM\n", {}, [("ID3", "BM", "RIFF"), ("GIF8", "II*", "MM")], id="names"),
        pytest.param(
            ",".join(["doc,question,answer", *map(str, range(5000))]).encode() + b"\na,b,c" + b"," * 5000,
            {},
            [("a", "b", "c")],
            id="5,003 columns",
        ),
    ],
)
def test_a_file_is_read_without_changing_a_character(body: bytes, options: dict[str, Any], expected: list[Any]) -> None:
    assert texts_and_reasons(body, **options) == expected


@pytest.mark.parametrize(
    ("body", "options", "problem"),
    [
        pytest.param(b"doc\tquestion\tanswer\na\tb\tc\n", {}, "line 1: found only one column.*by tabs", id="tabs"),
        pytest.param(
            b"doc|question|answer\na|b|c\n", {}, "line 1: found only one column.*by vertical bars", id="vertical bars"
        ),
        pytest.param(b"a;question, or;answer\n", {}, r"separated by semicolons; if so, save the file", id="semicolons"),
        pytest.param(gzip.compress(H), {}, "is gzip data.*Unpack the file, or export", id="gzip"),
        pytest.param(zipped(), {}, "is an Excel workbook or a zip archive", id="zip"),
        pytest.param(b"PAR1" + b"x" * 9, {}, "is a Parquet file", id="parquet"),
        pytest.param(b'[{"doc": "a", "question": "b"}]', {}, "line 1 begins like JSON", id="json"),
        pytest.param(b'\xef\xbb\xbf{"doc": "a"}\n', {}, "line 1 begins like JSON", id="json lines"),
        pytest.param(b"<!DOCTYPE html><title>Sign in</title>", {}, "begins like a web page", id="sign-in page"),
        pytest.param(b"<?xml version='1.0'?><Error><Code>AccessDenied", {}, "begins like a web page or XML", id="xml"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0", {}, "is a PNG image, not CSV text", id="png"),
        pytest.param(b"\x89PNG\r\n\x1a\n", {"encoding": "cp1252"}, "is a PNG image", id="png declared as cp1252"),
        pytest.param(b"\xff\xd8\xff\xe0\0\x10JFIF", {}, "is a JPEG image", id="jpeg"),
        pytest.param(b"GIF89a\x01\0", {}, "is a GIF image", id="gif"),
        pytest.param(b"SQLite format 3\0" + bytes(50), {}, "is a SQLite database.*export", id="sqlite"),
        pytest.param(bytes(range(1, 256)) * 9, {}, "is binary data.*another encoding would not help", id="binary"),
        pytest.param(b"doc,document,question,answer\n", {}, r"line 1: 2 columns for the document", id="two aliases"),
        pytest.param(b"doc,question,answer,answer\n", {}, r"line 1: 2 columns for the answer", id="twice"),
        pytest.param(b'"doc", "question", "answer"\n', {}, "line 1: a quote after a space", id="space and quote"),
        pytest.param(b",,\na,b,c\n", {}, "line 1: no column for the document", id="no names"),
        pytest.param("é,question,answer\n".encode("latin-1"), {}, "line 1: byte 0xe9 at byte offset 0", id="latin"),
        pytest.param(H + b"a,\xed\xa0\x80,c\n", {}, "line 2: byte 0xed at byte offset 22", id="half a character"),
        pytest.param(
            H + b"x" * 70_000 + b"\n\xff", {}, "line 3: byte 0xff at byte offset 70021", id="a bad byte far down"
        ),
        pytest.param(
            "doc,question,answer\né,b,c\n".encode(),
            {"encoding": "cp1252"},
            r"declared as cp1252, but the whole file is valid UTF-8.*'é' as 'Ã©'.*Set source.encoding to utf-8",
            id="utf-8 declared as cp1252",
        ),
        pytest.param(
            "doc,question,answer\né,b,c".encode("utf-16-be"),
            {"encoding": "utf-16-le"},
            "line 1: ",
            id="wrong byte order",
        ),
        pytest.param(H + b"a,b,c", {"encoding": "unicode_escape"}, "changes the text", id="escapes"),
        pytest.param(H + b"a,b,c", {"encoding": "rot13"}, "Unknown encoding 'rot13'", id="rot13"),
        pytest.param(H + b"a,b,c", {"encoding": "undefined"}, "Unknown encoding 'undefined'", id="undefined"),
        pytest.param(HEADER.encode("utf-16-be"), {}, r"Set source.encoding to utf-16-be", id="big-endian utf-16"),
        pytest.param(HEADER.encode("utf-32"), {}, r"Set source.encoding to utf-32", id="utf-32"),
        pytest.param(H + b'a,"say \\"hi\\"",c\nd,e,f\n', {}, "line 2: text follows a closing quote", id="backslashes"),
        pytest.param(
            H + b'a,b,c\nd,"e,f\n' * 2,
            {},
            "line 5: text follows a closing quote in the record that starts on line 3",
            id="open quote",
        ),
    ],
)
def test_a_faulty_file_is_refused_with_the_place_and_the_remedy(
    body: bytes, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        rows_of(body, **options)


def test_a_quote_that_is_never_closed_is_refused_before_the_record_fills_the_memory() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            text = (H + b'a,b,c\nd,"' if not self.given else b"") + b"no quote follows\n" * 4000
            count = min(len(buffer), len(text))
            buffer[:count] = text[:count]
            self.given += count
            return count

    body = Endless()
    rows = read_rows(
        io.BufferedReader(body),
        source="f.csv",
        options=RowOptions(),
        duplicates=Duplicates(ExactDuplicateIndex(RowLocations())),
    )
    with pytest.raises(InputError, match="line 3: the record that starts here is longer than 16,777,216 characters"):
        list(rows)
    assert body.given < MAX_RECORD_LENGTH + 200_000


ODD = st.sampled_from(
    ["\r", "\n", "\r\n", '"', '""', ",", "\x85", "\u2028", "\ufeff", "\0", "😀", "é", "\ufdd0", " ", "=", "{{"]
)
FIELDS = st.lists(st.one_of(ODD, st.text(st.characters(exclude_categories=("Cs",)), max_size=4)), max_size=6).map(
    "".join
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(FIELDS, FIELDS, FIELDS), min_size=1, max_size=6),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_rows_of_a_csv_writer_are_read_back_or_rejected_with_their_text(
    rows: list[tuple[str, str, str]], encoding: str, end: str, quoting: Any
) -> None:
    text = io.StringIO(newline="")
    # With LF line ends, this writer leaves a CR at the end of a row unquoted, and CR and LF are read as CRLF.
    writer = csv.writer(text, lineterminator=end, quoting=quoting if end == "\r\n" else csv.QUOTE_ALL)
    writer.writerow(["doc", "question", "answer"])
    writer.writerows(rows)
    try:
        read = rows_of(text.getvalue().encode(encoding), encoding=encoding)
    except InputError as error:
        assert "a quote after a space" in str(error)  # noqa: PT017
        return
    texts = [(r["document"], r["question"], r["answer"]) if not is_rejected(r) else r["text"] for r in read]
    assert [tuple(text.values()) if isinstance(text, dict) else text for text in texts] == rows
