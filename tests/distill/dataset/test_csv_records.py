from __future__ import annotations

import csv
import io
import threading
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.core.errors import InputError
from include.distill.dataset.csv_records import read_csv

HEADER = b"doc,question,answer\n"
# These texts have no surrogates. Other tests cover surrogates and encodings.
FIELDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def read_all(body: bytes, *, source: str = "a.csv", encoding: str = "utf-8", **options: Any) -> SimpleNamespace:
    """Read all records of a file."""
    table = read_csv(BytesIO(body), source=source, encoding=encoding, **options)
    return SimpleNamespace(header=table.header, records=list(table.records), hints=table.hints)


def csv_bytes(rows: list[list[str]], **dialect: object) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(rows)
    return text.getvalue().encode()


class TestRecords:
    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=4),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    )
    def test_records_from_a_csv_writer_are_read_unchanged(self, rows: list[list[str]], quoting: int) -> None:
        body = csv_bytes([["doc", "question", "answer"], *rows], quoting=quoting)
        assert [record.fields for record in read_all(body).records] == rows

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=4))
    def test_the_raw_texts_of_all_records_contain_every_line_of_the_file(self, rows: list[list[str]]) -> None:
        body = csv_bytes([["doc", "question", "answer"], *rows])
        table = read_all(body)
        assert "".join(record.raw for record in [table.header, *table.records]) == body.decode()

    def test_records_keep_line_breaks_in_quotes_and_count_lines_as_an_editor_counts_lines(self) -> None:
        body = b'doc,question,answer\r\n"a\r\nb","c\nd",e\r\n\r\n"f\rg",h,i\r\nj,k,l'
        records = read_all(body).records
        assert [record.fields for record in records] == [
            ["a\r\nb", "c\nd", "e"],
            ["f\rg", "h", "i"],
            ["j", "k", "l"],
        ]
        assert [record.line for record in records] == [2, 6, 8]

    def test_records_do_not_end_at_unicode_line_separators(self) -> None:
        body = HEADER + "a\u2028b,c\x85d,e\x0bf\n".encode()
        assert read_all(body).records[0].fields == ["a\u2028b", "c\x85d", "e\x0bf"]


class TestFieldLimit:
    def test_a_field_longer_than_the_limit_of_the_csv_module_is_read_and_the_limit_is_restored(self) -> None:
        before = csv.field_size_limit()
        body = HEADER + b"x" * (before + 5) + b",q,a\n"
        records = read_all(body).records
        assert len(records[0].fields[0]) == before + 5
        assert csv.field_size_limit() == before

    def test_the_field_size_limit_is_restored_after_faults_in_concurrent_threads(self) -> None:
        before = csv.field_size_limit()
        body = HEADER + b'"x' + b"y" * (before * 2) + b'"z,q,a\n'
        faults = []

        def read() -> None:
            try:
                read_all(body)
            except InputError as error:
                faults.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(faults) == 4
        assert csv.field_size_limit() == before


class TestFaults:
    @pytest.mark.parametrize(
        ("body", "encoding", "problem"),
        [
            pytest.param(b"", "utf-8", "is empty (0 bytes)", id="empty"),
            pytest.param(b"\xef\xbb\xbf \r\n\r\n", "utf-8", "only white space (8 bytes)", id="white space"),
            pytest.param(b"doc,question,answer\r\n\n", "utf-8", "and no rows", id="header only"),
            pytest.param(b"PK\x03\x04....", "utf-8", "Excel workbook or a zip", id="xlsx"),
            pytest.param(b"\x1f\x8b\x08..", "utf-8", "is gzip data", id="gzip"),
            pytest.param(b"\x00\x05\x16\x07", "utf-8", "line 1 has a NUL byte at byte offset 0", id="binary"),
            pytest.param("doc,q,a\n1,2,3".encode("utf-16-le"), "utf-8", "byte offset 1", id="utf-16 unmarked"),
            pytest.param("doc,q,a\n1,2,3".encode("utf-16"), "utf-8", "Set source.encoding to utf-16", id="utf-16"),
            pytest.param("doc,q,a\n1,2,3".encode("utf-32"), "utf-8", "byte order mark", id="utf-32"),
            pytest.param(
                b"\xef\xbb\xbfdoc,q,a\n1,2,3",
                "cp1252",
                "Set source.encoding to utf-8",
                id="UTF-8 mark, declared as cp1252",
            ),
            pytest.param(HEADER + b"a\r\nb,caf\xe9,c", "utf-8", "line 3: byte 0xe9 at byte offset 28", id="cp1252"),
            pytest.param(HEADER + b"a,b,c", "no-such", "Unknown encoding 'no-such'", id="unknown encoding"),
            pytest.param(HEADER + b"a,b,c", "hex", "Unknown encoding 'hex'", id="not a text encoding"),
            pytest.param(HEADER + b"+2AA-,b,c", "utf-7", "cannot be read as utf-7", id="surrogates"),
            pytest.param(b"doc;question;answer\n1;2;3", "utf-8", "separated by semicolons", id="semicolons"),
            pytest.param(b"doc\tquestion\n1\t2", "utf-8", "separated by tabs", id="tabs"),
            pytest.param(b"doc\nabc\n", "utf-8", "found only one column, 'doc'", id="one column"),
            pytest.param(
                b'"doc,question,answer\na,b,c\n',
                "utf-8",
                "line 1: a quote in the header",
                id="open quote in the header",
            ),
            pytest.param(HEADER + b'a,b,c\n"a\n"b",c,d\n', "utf-8", "line 4: text follows", id="torn quotes"),
            pytest.param(HEADER + b'a, "b\nx,y,z\n"\n', "utf-8", "line 2: a quote after a space", id="space"),
        ],
    )
    def test_faults_of_the_file_are_reported_with_the_place_and_the_remedy(
        self, body: bytes, encoding: str, problem: str
    ) -> None:
        with pytest.raises(InputError) as raised:
            read_all(body, source="s3://bucket/a.csv", encoding=encoding)
        assert problem in str(raised.value)
        assert "s3://bucket/a.csv" in str(raised.value)

    def test_a_quote_that_is_open_at_the_end_of_the_file_is_a_fault_of_the_last_record_alone(self) -> None:
        body = HEADER + b'a,b,c\nd,e,"half of\nan answ'
        whole, cut = read_all(body).records
        assert whole.fields == ["a", "b", "c"]
        assert (cut.line, cut.fields, cut.raw) == (3, [], 'd,e,"half of\nan answ')
        assert cut.fault.reason == "truncated"
        assert "still open at the end of the file, on line 4." in cut.fault.message

    @pytest.mark.parametrize("row", [300, 20, 1998])
    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_an_open_quote_that_swallows_rows_refuses_the_file_and_names_its_line(self, row: int, place: int) -> None:
        rows = [[f"Document number {n} about it.", f"What is thing {n}?", f"It is {n}."] for n in range(2000)]
        rows[row][place] = f'"{rows[row][place]}'
        body = HEADER + "".join(f"{','.join(fields)}\n" for fields in rows).encode()
        with pytest.raises(InputError, match=rf"a\.csv line {row + 2}: a quote opens on this line and is never closed"):
            read_all(body)

    def test_a_truncated_upload_of_a_file_with_quoted_tables_loses_only_its_last_row(self) -> None:
        table = "day,level,event\n2024,INFO,start\n2025,WARN,slow\n2026,ERROR,down\n"
        body = csv_bytes([["doc", "question", "answer"], *[[table, "Which?", "It"]] * 3], quoting=csv.QUOTE_ALL)
        first, second, cut = read_all(body[: body.rindex(b"2026")]).records
        assert (first.fault, second.fault, cut.fault.reason) == (None, None, "truncated")

    def test_a_quote_at_the_end_of_a_text_does_not_make_a_file_one_with_quoted_rows(self) -> None:
        rows = "".join(f"d{n},q{n}?,a{n}\n" for n in range(9))
        with pytest.raises(InputError, match="line 3: a quote opens on this line"):
            read_all(HEADER + b'd,q?,the 19"\nd,"x?,a\n' + rows.encode())

    def test_rows_between_two_stray_quotes_are_one_rejected_record_with_their_text(self) -> None:
        merged = '"d1,q1?,a1\nd2,q2?,a2\nd3",q3?,a3\n'
        first, second = read_all(HEADER + merged.encode() + b"d4,q4?,a4\n").records
        assert (first.fault.reason, first.raw, first.line) == ("merged_rows", merged, 2)
        assert "3 rows were read as one" in first.fault.message
        assert (second.fields, second.line) == (["d4", "q4?", "a4"], 5)

    def test_two_stray_quotes_around_many_rows_refuse_the_file(self) -> None:
        rows = "".join(f"d{n},q{n}?,a{n}\n" for n in range(30))
        with pytest.raises(InputError, match=r"a\.csv line 2: 30 rows were read as one.*Nothing was read"):
            read_all(HEADER + f'"{rows[:-1]}"\n'.encode())

    @pytest.mark.parametrize("tail", ["é", "x😀", '"a\n😀', "é,b,ü"])
    def test_a_file_that_ends_inside_a_character_loses_only_its_last_row(self, tail: str) -> None:
        body = HEADER + "é,b,c\n".encode() + tail.encode()[:-1]
        whole, cut = read_all(body).records
        assert (whole.fields, cut.fault.reason, cut.line) == (["é", "b", "c"], "truncated", 3)

    def test_white_space_after_a_closing_quote_is_accepted(self) -> None:
        records = read_all(HEADER + b'"a\n2"  ,"q" ,"x"\t\nb,"c, d" ,e\n').records
        assert [(record.line, record.fields) for record in records] == [
            (2, ["a\n2", "q", "x"]),
            (4, ["b", "c, d", "e"]),
        ]

    def test_quotes_with_backslashes_get_their_own_advice(self) -> None:
        with pytest.raises(InputError, match=r'The file seems to write a quote as \\"'):
            read_all(HEADER + b'a,"say \\"hi\\"",c\nd,e,f\n')

    @pytest.mark.parametrize(
        ("rows", "fields", "reasons"),
        [
            pytest.param(b"a,b,c,\nd,e,f,\n", 3, [None, None], id="every row"),
            pytest.param(b"a,b,c,, \nd,e,f,,\n", 3, [None, None], id="two fields"),
            pytest.param(b"d,e,f\na,b,c,\n", 3, [None, "too_many_fields"], id="one row"),
            pytest.param(b"a,b,c,\nd,e,f,x\n", 4, ["too_many_fields"] * 2, id="not empty"),
        ],
    )
    def test_empty_fields_at_the_end_of_every_row_are_ignored_with_a_note(
        self, rows: bytes, fields: int, reasons: list[str | None]
    ) -> None:
        table = read_csv(BytesIO(HEADER + rows), source="a.csv", encoding="utf-8")
        records = list(table.records)
        assert [record.fault and record.fault.reason for record in records] == reasons
        assert len(records[0].fields) == fields
        assert bool(table.notes) == (reasons == [None, None])

    def test_a_quoted_field_may_begin_with_a_space_and_a_quote(self) -> None:
        records = read_all(HEADER + b'" ""Hi"" he said",b,c').records
        assert records[0].fields == [' "Hi" he said', "b", "c"]

    @pytest.mark.parametrize(
        ("line", "reason", "message"),
        [
            pytest.param(b"a,b\n", "too_few_fields", "the row has too few fields (2); expected 3", id="too few fields"),
            pytest.param(
                b"a,b,c,d\n", "too_many_fields", "the row has too many fields (4); expected 3", id="too many fields"
            ),
        ],
    )
    def test_a_wrong_number_of_fields_is_a_fault_of_its_record_alone(
        self, line: bytes, reason: str, message: str
    ) -> None:
        before, wrong, after = read_all(HEADER + b"a,b,c\n" + line + b"d,e,f\n").records
        assert (before.fault, after.fault) == (None, None)
        assert wrong.fault.reason == reason
        assert wrong.fault.message.startswith(message)

    def test_hints_name_a_byte_order_mark_and_another_separator(self) -> None:
        assert read_all(HEADER + b"a,b,c\n").hints == ()
        mark, separator = read_all(b"\xef\xbb\xbfdoc;question,answer\na,b\n").hints
        assert "byte order mark" in mark
        assert "separated by semicolons" in separator


class TestLimit:
    def test_at_most_the_given_number_of_records_is_read(self) -> None:
        assert [record.fields[0] for record in read_all(HEADER + b"a,b,c\nd,e,f\n", limit=1).records] == ["a"]

    def test_the_encoding_of_the_whole_file_is_checked_despite_a_limit_on_records(self) -> None:
        body = (HEADER.decode() + "é,b,c\nd,e,f\n").encode()
        with pytest.raises(InputError, match="the whole file is valid UTF-8"):
            read_all(body, encoding="cp1252", limit=1)


class TestSeparator:
    def test_a_stated_separator_is_used_instead_of_the_comma(self) -> None:
        assert read_all(b"a;b\n1,5;2\n", separator=";").records[0].fields == ["1,5", "2"]


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "latin-1"])
    def test_the_declared_encoding_is_used(self, encoding: str) -> None:
        body = "doc,question,answer\ncafé,b,c\n".encode(encoding)
        table = read_all(body, encoding=encoding)
        assert table.header.fields[0] == "doc"
        assert table.records[0].fields == ["café", "b", "c"]
