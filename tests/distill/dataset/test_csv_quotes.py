from __future__ import annotations

import csv
import io
import json

import pytest

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

PROSE = "".join(f"Document {n} about it.,What is {n}?,It is {n}.\n" for n in range(40))


class TestSpacesAfterQuotes:
    @pytest.mark.parametrize(
        ("record", "fields"),
        [
            ('"a2"  ,"q" ,"x" \t\n', ["a2", "q", "x"]),
            ('"a\n2"  ,q,"x ""y"" " \r\n', ["a\n2", "q", 'x "y" ']),
            ('a,"b, c"\xa0,', ["a", "b, c", ""]),
        ],
    )
    def test_white_space_after_a_closing_quote_is_dropped(self, record: str, fields: list[str]) -> None:
        assert read_until_closed(record, ",", lambda: "") == fields

    def test_a_tab_after_a_quote_is_a_separator_in_a_file_separated_by_tabs(self) -> None:
        assert read_until_closed('"a" \t"b"\t\n', "\t", lambda: "") == ["a", "b", ""]

    @pytest.mark.parametrize("record", ['"a" b,c', 'a,"b"c,d', '"a" "b",c'])
    def test_other_text_after_a_closing_quote_is_a_fault(self, record: str) -> None:
        with pytest.raises(TextAfterQuoteError):
            read_until_closed(record, ",", lambda: "")

    def test_lines_are_read_until_the_quote_is_closed(self) -> None:
        rest = iter(["y\n", 'z" ,w\n', "next row\n"])
        assert read_until_closed('"a" ,"x\n', ",", lambda: next(rest, "")) == ["a", "x\ny\nz", "w"]
        assert next(rest) == "next row\n"
        assert read_until_closed('"a" ,"x\n', ",", lambda: next(rest, "")) is None

    def test_the_time_to_read_a_record_does_not_grow_with_the_square_of_its_length(self) -> None:
        lines = iter(['say ""x"" and more\n'] * 50_000 + ['end" ,w\n'])
        fields = read_until_closed('"a" ,"open\n', ",", lambda: next(lines, ""))  # hours if each line is scanned again
        assert fields is not None
        assert (len(fields), fields[1].count("\n")) == (3, 50_001)
        assert 'say "x" and more' in fields[1]


class TestOpenQuotes:
    @pytest.mark.parametrize(
        ("record", "line", "rows"),
        [
            pytest.param('d,"q?,a\n' + PROSE, 0, 40, id="question"),
            pytest.param('"d,q?,a\n' + PROSE, 0, 40, id="document"),
            pytest.param('d,q?,"a\n' + PROSE, 0, 40, id="answer"),
            pytest.param('"d\nof two lines",q?,"a\n' + PROSE, 1, 40, id="on the second line"),
            pytest.param('"d,q?,a\n' + PROSE[:-20], 0, 39, id="cut as well"),
            pytest.param('"d,q?,a\r\n' + PROSE.replace("\n", "\r\n"), 0, 40, id="CRLF"),
            pytest.param('"d,q?,a\r' + PROSE.replace("\n", "\r"), 0, 40, id="CR"),
            pytest.param('"d, q?, a\n' + PROSE.replace(",", ", "), 0, 40, id="space after each comma"),
            pytest.param('"d,q?,a\nd2,q2?,a2\nd3,q3?,a3\n', 0, 2, id="two rows"),
            pytest.param('d,q?,"a\nd2,q2?,a2\n', 0, 1, id="one row"),
        ],
    )
    def test_whole_rows_below_an_open_quote_are_counted(self, record: str, line: int, rows: int) -> None:
        assert line_of_open_quote(record, ",") == line
        assert count_swallowed_rows(record, ",", 3) == rows

    @pytest.mark.parametrize(
        "record",
        [
            'd,e,"half of\nan answ',
            '"A long document\nwith, three, commas\nand more\nlines, x',
            'd,q?,"Steps:\n1. Do it\n2. Then, this, too\n3. x',
            'd,q?,"one line only',
            '"a document that ends at a line break\n',
        ],
    )
    def test_a_truncated_upload_has_no_whole_rows(self, record: str) -> None:
        assert count_swallowed_rows(record, ",", 3) == 0

    @pytest.mark.parametrize(
        "record",
        [
            pytest.param('d,"q, r?, and more\n' + "a b,c d,e f\n" * 9 + "a b,c", id="cut in a table below text"),
            pytest.param('"Table:\n' + "a b,c d,e f\n" * 9 + "a", id="cut in the first cell of a line"),
        ],
    )
    def test_an_upload_that_was_truncated_inside_a_table_has_no_whole_rows(self, record: str) -> None:
        assert count_swallowed_rows(record, ",", 3) == 0

    def test_a_table_like_those_in_the_rows_above_is_no_sign_of_an_open_quote(self) -> None:
        quoted = QuotedRows(",")
        for raw in ("doc,question,answer\n", '"x\na,b,c\nd,e,f\ng,h,i\n",q,a\n', "d,q,a\n"):
            quoted.add(raw, 3)
        assert (quoted.width, quoted.largest_table, quoted.are_all_rows) == (3, 4, False)
        cut = '"a,b,c\n' + "d,e,f\n" * 5 + "g,h,i"
        assert count_swallowed_rows(cut, ",", 3) == 5 + 1
        assert count_swallowed_rows(cut, ",", 3, quoted.largest_table) == 0
        assert count_swallowed_rows(f"{cut}\n", ",", 3, quoted.largest_table) == 5 + 1


class TestMergedRows:
    @pytest.mark.parametrize(
        ("record", "rows"),
        [
            ('"d1,q1?,a1\nd2,q2?,a2\nd3",q3?,a3\n', 3),
            ('d1,"q1?,a1\nd2,q2?,a2\nd3,q3?",a3\n', 3),
            ('d1,q1?,"a1\nd2,q2?,a2\nd3,q3?,a3"\n', 3),
            ('"d1,q1?,a1\nd2",q2?,a2\n', 2),
            ('"d1,q1?,a1\nd2,q2?,a2"\n', 2),
            ('"d1, q1?, a1\nd2, q2?, a2\nd3", q3?, a3\n', 3),
            ('"d1,q1?,a1\r\nd2,q2?,a2\r\nd3",q3?,a3\r\n', 3),
            ('"d1,q1,a1\nd2,q2,a2\nd3",q3,a3\n', 3),
            ('"A long doc,Explain it now,It is so\nAnother doc",Say this,It is not so', 2),
            ('"d1,これは何？,a1\nd2",それは何？,a2', 2),
            (
                '"A long doc,Explain it now,It is so\nAnother doc,Explain that,It is not\nThird",Explain x y,it is z\n',
                3,
            ),
        ],
    )
    def test_rows_between_two_stray_quotes_are_counted(self, record: str, rows: int) -> None:
        assert count_merged_rows(record, ",", 3) == rows

    @pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    @pytest.mark.parametrize(
        "row",
        [
            pytest.param(("a,b,c\n1,2,3\n4,5,6", "What is b?", "2"), id="table as wide as the file"),
            pytest.param(
                ("name,size,price\nt3,2,0.02\nPrices in USD.", "How much is t3?", "0.02"), id="table and prose"
            ),
            pytest.param(("name,size,price\nt3,2,0.02\nPrices in USD.", "Explain the price", "It is x"), id="no ?"),
            pytest.param(("d1", "Yes, it is.\nNo, never.", "a"), id="two lines"),
            pytest.param(("Paris", "yes,no\nred,blue", "maybe"), id="two lines of words"),
            pytest.param(("red,green,blue\nyes,no,so\ntrue", "Why", "Thus"), id="three lines of words"),
            pytest.param(("d1", "Yes, it is.\nFirst, second, third\nNo, never.", "a"), id="three lines"),
            pytest.param(("d", "What is it?", "a,b,c\n1,2,3"), id="table as the answer"),
            pytest.param(("question,answer\nWhat is S3?,Storage\nWhat is EC2?,A VM", "What is S3?", "It"), id="FAQ"),
            pytest.param(
                ("doc,question,answer\nd1,What is S3?,Storage\nd2,What?,A VM", "What is S3?", "It"), id="FAQ 3"
            ),
            pytest.param(("2024,INFO,start\n2024,WARN,slow\n2025,ERROR,down", "Which error?", "down"), id="log"),
            pytest.param(("Roses, red,\nviolets, blue,\nsugar", "What?", "sugar, sweet,\nyou"), id="poem"),
            pytest.param(("1 Main St, Springfield, IL\n2 Elm St, Springfield, IL", "Where?", "IL"), id="addresses"),
            pytest.param(("d", "A, B or C?\nD, E or F?", "A, D"), id="questions"),
            pytest.param(
                (json.dumps({"a": ["x, y", 2, 3]}, indent=1), "What?", '{"a": 1,\n"b": 2, "c": 3}'), id="JSON"
            ),
            pytest.param(("one line", "What?", "It"), id="one line"),
        ],
    )
    def test_a_legal_record_with_line_breaks_is_one_row(self, row: tuple[str, str, str], quoting: int) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, quoting=quoting).writerow(row)  # type: ignore[arg-type]
        assert count_merged_rows(text.getvalue(), ",", 3) == 0

    @pytest.mark.parametrize(
        "record",
        [
            pytest.param('d,"x y, is it z?\nk l, is it m?",What is k?\n', id="spaces after some commas"),
            pytest.param('d e,"x y,z w\nk l,m n",What is k?\n', id="only one question"),
            pytest.param(
                '"a b","What is b?","c d.\nName a,Question b,Answer c\nx y,is it z?,w v"\n', id="quoted cells"
            ),
        ],
    )
    def test_text_and_tables_that_resemble_rows_are_one_row(self, record: str) -> None:
        assert count_merged_rows(record, ",", 3) == 0

    def test_the_column_of_the_questions_decides_if_it_is_known(self) -> None:
        questions = QuestionColumn()
        assert questions.position is None
        for number in range(3):
            questions.add([f"d{number}", f"q{number}?", "a?" if number else "a"])
        assert questions.position == 1
        table = '"Name a,Question b,Answer c\nx y,is it z?,w v\nk l",is it m?,n\n'
        assert count_merged_rows(table, ",", 3, questions.position) == 0
        assert count_merged_rows('"d1,q1?,a1\nd2",q2?,a2\n', ",", 3, questions.position) == 2
        questions.add(["d", "Explain it", "a"])
        assert questions.position is None

    def test_rows_in_a_record_with_too_few_fields_are_counted(self) -> None:
        swallowed = '"d1,q1?,a1\nd2,q2?,a2\nd3,q3?,a3\n"\n'
        assert count_enclosed_rows(swallowed, ",", 3, 1) == 3
        assert count_enclosed_rows(swallowed, ",", 3, 0) == 0
        assert count_enclosed_rows('"' + PROSE + '"\n', ",", 3, None) == 40
        assert count_enclosed_rows('"1,2,3\n4,5,6\n7,8,9"\n', ",", 3, None) == 0
