from __future__ import annotations

import csv
import io
import threading
from io import BytesIO
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.core.errors import InputError
from include.distill.dataset.csv_records import CsvTable
from include.distill.dataset.csv_records import read_table as read_stream

HEADER = b"doc,question,answer\n"
# csv.writer writes what it is given; encodings and surrogates are other tests' business.
FIELDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def read_table(body: bytes, *, source: str, encoding: str) -> SimpleNamespace:
    """Read a whole file from a stream that gives a few bytes at a time."""
    table: CsvTable = read_stream(BytesIO(body), source=source, encoding=encoding)
    return SimpleNamespace(header=table.header, records=list(table.records), has_mark=table.has_mark)


def written(rows: list[list[str]], **dialect: object) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(rows)
    return text.getvalue().encode()


class TestWhatWasWritten:
    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=4),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    )
    def test_is_read_back_to_the_character(self, rows: list[list[str]], quoting: int) -> None:
        body = written([["doc", "question", "answer"], *rows], quoting=quoting)
        assert [record.fields for record in read_table(body, source="a.csv", encoding="utf-8").records] == rows

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=4))
    def test_no_line_of_the_file_is_lost_from_the_raw_records(self, rows: list[list[str]]) -> None:
        body = written([["doc", "question", "answer"], *rows])
        table = read_table(body, source="a.csv", encoding="utf-8")
        assert "".join(record.raw for record in [table.header, *table.records]) == body.decode()

    def test_line_breaks_inside_quotes_stay_and_lines_are_counted_as_an_editor_does(self) -> None:
        body = b'doc,question,answer\r\n"a\r\nb","c\nd",e\r\n\r\n"f\rg",h,i\r\nj,k,l'
        records = read_table(body, source="a.csv", encoding="utf-8").records
        assert [record.fields for record in records] == [
            ["a\r\nb", "c\nd", "e"],
            ["f\rg", "h", "i"],
            ["j", "k", "l"],
        ]
        assert [(record.line, record.last_line) for record in records] == [(2, 4), (6, 7), (8, 8)]

    def test_a_separator_of_lines_that_only_unicode_knows_ends_no_row(self) -> None:
        body = HEADER + "a\u2028b,c\x85d,e\x0bf\n".encode()
        assert read_table(body, source="a.csv", encoding="utf-8").records[0].fields == ["a\u2028b", "c\x85d", "e\x0bf"]


class TestFieldLimit:
    def test_a_field_longer_than_the_limit_of_csv_is_read_and_the_limit_put_back(self) -> None:
        before = csv.field_size_limit()
        body = HEADER + b"x" * (before + 5) + b",q,a\n"
        records = read_table(body, source="a.csv", encoding="utf-8").records
        assert len(records[0].fields[0]) == before + 5
        assert csv.field_size_limit() == before

    def test_the_limit_is_put_back_after_a_fault_and_by_threads_at_once(self) -> None:
        before = csv.field_size_limit()
        body = HEADER + b'"x' + b"y" * (before * 2) + b'"z,q,a\n'
        faults = []

        def read() -> None:
            try:
                read_table(body, source="a.csv", encoding="utf-8")
            except InputError as error:
                faults.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(faults) == 4
        assert csv.field_size_limit() == before


class TestFaultsOfTheFile:
    @pytest.mark.parametrize(
        ("body", "encoding", "said"),
        [
            pytest.param(b"", "utf-8", "is empty (0 bytes)", id="empty"),
            pytest.param(b"\xef\xbb\xbf \r\n\r\n", "utf-8", "only white space (8 bytes)", id="white space"),
            pytest.param(b"doc,question,answer\r\n\n", "utf-8", "and no rows", id="header only"),
            pytest.param(b"PK\x03\x04....", "utf-8", "Excel workbook or a zip", id="xlsx"),
            pytest.param(b"\x1f\x8b\x08..", "utf-8", "is gzip data", id="gzip"),
            pytest.param(b"\x00\x05\x16\x07", "utf-8", "line 1 at byte offset 0", id="binary"),
            pytest.param("doc,q,a\n1,2,3".encode("utf-16-le"), "utf-8", "byte offset 1", id="utf-16 unmarked"),
            pytest.param("doc,q,a\n1,2,3".encode("utf-16"), "utf-8", "Declare its encoding", id="utf-16"),
            pytest.param("doc,q,a\n1,2,3".encode("utf-32"), "utf-8", "byte order mark", id="utf-32"),
            pytest.param(b"\xef\xbb\xbfdoc,q,a\n1,2,3", "cp1252", "Declare utf-8", id="mark under cp1252"),
            pytest.param(HEADER + b"a\r\nb,caf\xe9,c", "utf-8", "line 3: byte 0xe9 at byte offset 28", id="cp1252"),
            pytest.param(HEADER + b"a,b,c", "no-such", "Unknown encoding 'no-such'", id="unknown encoding"),
            pytest.param(HEADER + b"a,b,c", "hex", "Unknown encoding 'hex'", id="no text encoding"),
            pytest.param(HEADER + b"+2AA-,b,c", "utf-7", "cannot be read as utf-7", id="surrogates"),
            pytest.param(b"doc;question;answer\n1;2;3", "utf-8", "separated by semicolons", id="semicolons"),
            pytest.param(b"doc\tquestion\n1\t2", "utf-8", "separated by tabs", id="tabs"),
            pytest.param(b"doc\nabc\n", "utf-8", "one column found, 'doc'", id="one column"),
            pytest.param(b'"doc,question,answer\na,b,c\n', "utf-8", "line 1: a quote opened", id="open header"),
            pytest.param(HEADER + b'a,b,c\n"a\n"b",c,d\n', "utf-8", "line 4: text follows", id="torn quotes"),
            pytest.param(HEADER + b'a, "b\nx,y,z\n"\n', "utf-8", "line 2: a quote follows a space", id="space"),
        ],
    )
    def test_is_named_with_its_place_and_what_to_do(self, body: bytes, encoding: str, said: str) -> None:
        with pytest.raises(InputError) as raised:
            read_table(body, source="s3://bucket/a.csv", encoding=encoding)
        assert said in str(raised.value)
        assert "s3://bucket/a.csv" in str(raised.value)

    def test_a_quote_open_at_the_end_marks_the_last_record_alone(self) -> None:
        body = HEADER + b'a,b,c\nd,e,"half of\nan answ'
        whole, cut = read_table(body, source="a.csv", encoding="utf-8").records
        assert whole.fields == ["a", "b", "c"]
        assert (cut.truncated, cut.line, cut.last_line, cut.raw) == (True, 3, 4, 'd,e,"half of\nan answ')

    def test_a_quoted_field_may_begin_with_a_space_and_a_quote(self) -> None:
        records = read_table(HEADER + b'" ""Hi"" he said",b,c', source="a.csv", encoding="utf-8").records
        assert records[0].fields == [' "Hi" he said', "b", "c"]


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "latin-1"])
    def test_the_declared_one_is_used(self, encoding: str) -> None:
        body = "doc,question,answer\ncafé,b,c\n".encode(encoding)
        table = read_table(body, source="a.csv", encoding=encoding)
        assert table.header.fields[0] == "doc"
        assert table.records[0].fields == ["café", "b", "c"]
