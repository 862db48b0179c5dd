from __future__ import annotations

import csv
import io
import json
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from include.distill.dataset.exact_duplicates import ExactDuplicateIndex, RowLocations
from include.distill.dataset.rows import Duplicates, RowOptions, check_header, is_rejected, reject, row_id
from include.distill.dataset.rows import read_rows as stream_rows

NASTY = PROJECT_ROOT / "tests" / "data" / "nasty"
HEADER = "doc,question,answer\n"


def csv_of(*rows: tuple[str, ...], header: str = HEADER) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return (header + text.getvalue()).encode()


def read_rows(
    body: bytes, *, source: str = "a.csv", duplicates: Duplicates | None = None, **options: Any
) -> SimpleNamespace:
    """Read a whole file into accepted and rejected rows."""
    duplicates = duplicates or Duplicates(ExactDuplicateIndex(RowLocations()))
    rows = list(stream_rows(BytesIO(body), source=source, options=RowOptions(**options), duplicates=duplicates))
    accepted, rejected = ([row for row in rows if is_rejected(row) is flag] for flag in (False, True))
    return SimpleNamespace(accepted=accepted, rejected=rejected, rows=len(rows))


def reasons(body: bytes, **options: Any) -> list[tuple[int, str, str | None]]:
    rejected = read_rows(body, source="a.csv", **options).rejected
    return [(reject["row"], reject["reason"], reject["column"]) for reject in rejected]


class TestNastyFiles:
    @pytest.mark.parametrize(
        ("name", "accepted", "rejected"),
        [
            ("bom_crlf", 25, {}),
            ("duplicate_rows", 8, dict.fromkeys(range(9, 15), "duplicate")),
            ("empty_fields", 4, dict.fromkeys((1, 2, 3, 4, 5, 7), "empty_field")),
            ("header_query", 5, {}),
            ("huge_doc", 3, {1: "too_long"}),
            ("quotes_newlines_braces", 22, dict.fromkeys((21, 22, 25, 26), "duplicate")),
            ("trailing_instruction", 10, {}),
            ("truncated_upload", 5, {6: "truncated"}),
        ],
    )
    def test_a_nasty_file_is_accepted_except_for_its_bad_rows(
        self, name: str, accepted: int, rejected: dict[int, str]
    ) -> None:
        read = read_rows((NASTY / f"{name}.csv").read_bytes(), source=name)
        assert len(read.accepted) == accepted
        assert {reject["row"]: reject["reason"] for reject in read.rejected} == rejected
        assert read.rows == accepted + len(rejected)

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("real_bom_other_columns", r"no column for the document .*'Question', 'Answer_True'.*U\+FEFF"),
            ("cp1252", r"line 2: byte 0x96 at byte offset 723 .*Set source.encoding to cp1252"),
            ("semicolon", "line 1: found only one column.*semicolons"),
            ("header_only", "and no rows"),
            ("empty", r"is empty \(0 bytes\)"),
        ],
    )
    def test_a_nasty_file_that_cannot_be_read_is_refused_with_the_reason(self, name: str, problem: str) -> None:
        with pytest.raises(InputError, match=problem):
            read_rows((NASTY / f"{name}.csv").read_bytes(), source=name)

    def test_all_nasty_files_of_the_manifest_are_tested(self) -> None:
        manifest = json.loads((NASTY / "MANIFEST.json").read_text(encoding="utf-8"))
        marks = [
            mark
            for test in (
                self.test_a_nasty_file_is_accepted_except_for_its_bad_rows,
                self.test_a_nasty_file_that_cannot_be_read_is_refused_with_the_reason,
            )
            for mark in test.pytestmark
        ]
        assert {f"{case[0]}.csv" for mark in marks for case in mark.args[1]} == set(manifest)
        assert {path.name: path.stat().st_size for path in NASTY.glob("*.csv")} == {
            name: entry["bytes"] for name, entry in manifest.items()
        }

    def test_no_byte_order_mark_and_no_carriage_return_remain_in_rows(self) -> None:
        rows = read_rows((NASTY / "bom_crlf.csv").read_bytes(), source="bom").accepted
        assert not any(
            "\ufeff" in text or text.endswith("\r") for row in rows for text in row.values() if str is type(text)
        )

    def test_a_file_in_cp1252_is_read_when_the_encoding_is_declared(self) -> None:
        rows = read_rows((NASTY / "cp1252.csv").read_bytes(), source="cp", encoding="cp1252").accepted
        assert len(rows) == 15
        assert any("–" in row["document"] for row in rows)
        assert not any("\ufffd" in row["document"] + row["answer"] for row in rows)

    def test_a_file_with_other_columns_is_read_when_the_columns_are_mapped(self) -> None:
        columns = {"document": "Document_True", "answer": "answer_true"}
        body = (NASTY / "real_bom_other_columns.csv").read_bytes()
        assert read_rows(body, source="real", columns=columns).rows == 100

    def test_quotes_newlines_and_braces_in_texts_are_kept(self) -> None:
        body = (NASTY / "quotes_newlines_braces.csv").read_bytes()
        read = read_rows(body, source="quotes")
        texts = {row["row"]: (row["document"], row["question"], row["answer"]) for row in read.accepted}
        texts |= {reject["row"]: tuple(reject["text"].values()) for reject in read.rejected}
        plain = list(csv.reader(io.StringIO(body.decode(), newline="")))
        assert [texts[number] for number in range(1, 27)] == [tuple(fields) for fields in plain[1:]]

    def test_the_word_nan_is_kept_as_text(self) -> None:
        read = read_rows((NASTY / "empty_fields.csv").read_bytes(), source="empty")
        assert next(row["answer"] for row in read.accepted if row["row"] == 6) == "NaN"


class TestRows:
    def test_an_accepted_row_has_its_id_and_its_origin(self) -> None:
        read = read_rows(b'doc,question,answer\n"a\nb",q,a\n\nc,d,e\n', source="s3://b/a.csv")
        assert [(row["row"], row["line"], row["source"]) for row in read.accepted] == [
            (1, 2, "s3://b/a.csv"),
            (2, 5, "s3://b/a.csv"),
        ]
        assert read.accepted[0]["row_id"] == row_id(document="a\nb", question="q", answer="a")
        assert set(read.accepted[0]) == {"row_id", "row", "line", "source", "document", "question", "answer"}

    def test_the_id_of_a_row_depends_on_which_field_a_text_is_in(self) -> None:
        assert row_id(document="a", question="b", answer="c") == "e0dee694aed26d32"
        assert row_id(document="ab", question="c", answer="d") != row_id(document="a", question="bc", answer="d")
        assert len(row_id(document="", question="", answer="")) == 16

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            pytest.param("a,b\n", [(1, "too_few_fields", None)], id="too few"),
            pytest.param("a,b,c,d\n", [(1, "too_many_fields", None)], id="too many"),
            pytest.param('a,"b","\n', [(1, "truncated", None)], id="truncated"),
            pytest.param("a,\xa0\u200b,c\n", [(1, "empty_field", "question")], id="unseen characters"),
            pytest.param("a,b,c\x00d\n", [(1, "control_character", "answer")], id="nul"),
            pytest.param("aaaaaaaaaaa,b,c\n", [(1, "too_long", "document")], id="long document"),
            pytest.param("a,b,ccccccccccc\n", [(1, "too_long", "answer")], id="long answer"),
            pytest.param("aaaaaaaaaa,b,c\n", [], id="as long as is allowed"),
            pytest.param("a,b,c\nz, B ,C\n", [(2, "duplicate", None)], id="duplicate"),
            pytest.param("a,b,c\nz,b\u200b,\xadc\n", [(2, "duplicate", None)], id="invisible duplicate"),
            pytest.param("a,b,\x08c\n", [(1, "control_character", "answer")], id="backspace"),
            pytest.param("a\x93,b,c\n", [(1, "control_character", "document")], id="C1 control"),
            pytest.param("a,b\uffff,c\n", [(1, "control_character", "question")], id="noncharacter"),
            pytest.param("a,b,\ufffd\n", [(1, "lost_character", "answer")], id="lost character"),
            pytest.param("a,b,\\N\n", [(1, "placeholder", "answer")], id="null marker"),
            pytest.param("#REF!,b,c\n", [(1, "placeholder", "document")], id="spreadsheet error"),
            pytest.param("Total,8,100%\n", [(1, "total_row", None)], id="total"),
            pytest.param("# a, b, c\n", [(1, "comment_row", None)], id="comment"),
            pytest.param("a,b,c\n\ufeffd,e,f\n", [(2, "byte_order_mark", None)], id="byte order mark of a row"),
            pytest.param("a,b,c\n\ufeffDoc,question,answer\n", [(2, "header_again", None)], id="joined with a mark"),
            pytest.param("aaaaaaaaaaa,b,c\nz,b,c\n", [(1, "too_long", "document")], id="copy of a rejected row"),
        ],
    )
    def test_a_bad_row_is_rejected_alone_with_a_reason(self, body: str, expected: list[Any]) -> None:
        assert reasons((HEADER + body).encode(), max_document_characters=10) == expected

    def test_a_rejected_row_keeps_its_text_and_its_message_names_what_was_found(self) -> None:
        body = (HEADER + "a,b,c\nb,c\nlonger,q,x\ny,b,c\n").encode()
        ragged, long, copy = read_rows(body, source="a.csv", max_document_characters=5).rejected
        assert ragged["text"] == "b,c\n"
        assert ragged["message"].startswith("a.csv row 2 (line 3): the row has too few fields (2); expected 3")
        assert long["text"] == {"document": "longer", "question": "q", "answer": "x"}
        assert "the document has 6 characters; at most 5 are allowed" in long["message"]
        assert "repeat row 1" in copy["message"]
        assert set(copy) == {"source", "row", "line", "column", "reason", "message", "text"}


class TestColumns:
    @pytest.mark.parametrize(
        ("header", "columns"),
        [
            ("doc,question,answer", None),
            (" Document , QUERY,Reply", None),
            ("CONTEXT,\u200bquestion,answer\ufeff", None),
            ("Text,question,answer", {"document": "Text"}),
            ("text,question,answer", {"document": "Text"}),
            ("a,b,c", {"document": "a", "question": "b", "answer": "c"}),
        ],
    )
    def test_columns_are_recognized_by_usual_names_or_by_the_mapping(
        self, header: str, columns: dict[str, str] | None
    ) -> None:
        read = read_rows(csv_of(("d", "q", "a"), header=f"{header}\n"), source="a.csv", columns=columns)
        assert [read.accepted[0][role] for role in ("document", "question", "answer")] == ["d", "q", "a"]

    def test_columns_that_are_not_needed_are_ignored(self) -> None:
        body = csv_of(("1", "a", "x", "q", "d"), header="id,answer,note,question,doc\n")
        assert read_rows(body, source="a.csv").accepted[0]["document"] == "d"

    def test_a_mapped_column_is_preferred_to_a_column_with_a_usual_name(self) -> None:
        body = csv_of(("short", "long", "q", "a"), header="doc,Text,question,answer\n")
        assert read_rows(body, source="a.csv", columns={"document": "Text"}).accepted[0]["document"] == "long"

    def test_the_column_with_the_exact_name_is_used_when_two_columns_differ_only_in_case(self) -> None:
        body = csv_of(("1", "2", "q", "a"), header="text,Text,question,answer\n")
        assert read_rows(body, source="a.csv", columns={"document": "Text"}).accepted[0]["document"] == "2"

    @pytest.mark.parametrize(
        ("header", "columns", "problem"),
        [
            ("doc,question", None, r"no column for the answer \(looked for answer or reply\). Found 2 columns"),
            ("doc,context,question,answer", None, r"2 columns for the document \('doc', 'context'\)"),
            ("doc,question,answer,answer", None, "2 columns for the answer"),
            ("\u200bdok,question,answer", None, r"'\\u200bdok'"),
            ("doc,question,answer", {"document": "Text"}, "looked for 'Text'"),
            (
                "doc,question,answer",
                {"document": "question"},
                "source.columns uses the column 'question' for more than one text",
            ),
            ("doc,question,answer", {"text": "doc"}, r"Unknown keys \['text'\] in source.columns"),
        ],
    )
    def test_missing_or_ambiguous_columns_are_refused(
        self, header: str, columns: dict[str, str] | None, problem: str
    ) -> None:
        cells = tuple("x" * len(header.split(",")))
        with pytest.raises(InputError, match=problem):
            read_rows(csv_of(cells, header=f"{header}\n"), source="a.csv", columns=columns)


class TestAnyFile:
    @settings(max_examples=200, deadline=None)
    @given(
        st.binary(max_size=60)
        | st.text('abc,"\n\r\x00 ;\ufeffé', max_size=60).map(str.encode)
        | st.text(max_size=60).map(lambda text: text.encode("utf-16")),
        st.sampled_from([b"", HEADER.encode(), b"\xef\xbb\xbf" + HEADER.encode()]),
        st.sampled_from(["utf-8", "cp1252", "utf-16", "utf-7"]),
    )
    def test_a_file_of_any_bytes_is_refused_or_its_rows_add_up(self, tail: bytes, head: bytes, encoding: str) -> None:
        try:
            read = read_rows(head + tail, source="a.csv", encoding=encoding, max_document_characters=20)
        except InputError:
            return
        numbers = sorted(row["row"] for row in [*read.accepted, *read.rejected])
        assert numbers == list(range(1, read.rows + 1))
        json.dumps(read.accepted + read.rejected, ensure_ascii=False).encode()

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(*[st.text(max_size=10)] * 3), min_size=1, max_size=6))
    def test_every_character_of_every_row_is_kept(self, rows: list[tuple[str, str, str]]) -> None:
        read = read_rows(csv_of(*rows), source="a.csv")
        texts = {row["row"]: (row["document"], row["question"], row["answer"]) for row in read.accepted}
        texts |= {reject["row"]: tuple(reject["text"].values()) for reject in read.rejected}
        assert [texts[number] for number in range(1, len(rows) + 1)] == rows


class TestDuplicates:
    def test_a_training_row_that_repeats_an_evaluation_row_is_rejected(self) -> None:
        locations = RowLocations()
        evaluation = ExactDuplicateIndex(locations)
        read_rows(csv_of(("another document", "WHAT IS EC2?", "a")), source="e.csv", duplicates=Duplicates(evaluation))
        body = csv_of(("d", "What is S3?", "a"), ("d", "What is  EC2?", "a"), ("d", "What is EC2?", "another answer"))
        read = read_rows(body, source="a.csv", duplicates=Duplicates(ExactDuplicateIndex(locations), evaluation))
        assert [row["row"] for row in read.accepted] == [1, 3]
        (leak,) = read.rejected
        assert (leak["row"], leak["reason"]) == (2, "in_evaluation_set")
        assert "row 1 of e.csv in the evaluation set" in leak["message"]
        assert leak["text"] == {"document": "d", "question": "What is  EC2?", "answer": "a"}

    def test_duplicates_are_found_across_files_and_the_message_names_the_first_file(self) -> None:
        duplicates = Duplicates(ExactDuplicateIndex(RowLocations()))
        read_rows(csv_of(("d", "q", "a")), source="one.csv", duplicates=duplicates)
        read = read_rows(csv_of(("d", "x", "a"), ("d", "Q", "a")), source="two.csv", duplicates=duplicates)
        assert [(reject["source"], reject["row"]) for reject in read.rejected] == [("two.csv", 2)]
        assert "repeat row 1 of one.csv" in read.rejected[0]["message"]


class TestGroupColumn:
    def test_the_group_of_an_accepted_row_is_stored_unless_it_is_blank(self) -> None:
        body = csv_of(("d", "q", "a", " page 1"), ("d", "q2", "a", ""), header="doc,question,answer,Page\n")
        first, second = read_rows(body, source="a.csv", group_column="page").accepted
        assert first["group"] == " page 1"
        assert "group" not in second

    def test_the_group_column_may_be_the_column_of_a_text(self) -> None:
        (row,) = read_rows(csv_of(("d", "q", "a")), group_column="doc").accepted
        assert (row["document"], row["group"]) == ("d", "d")

    def test_a_configured_group_column_must_exist(self) -> None:
        with pytest.raises(InputError, match=r"no column for the group \(looked for 'page'\)"):
            read_rows(csv_of(("d", "q", "a")), source="a.csv", group_column="page")


class TestReject:
    def test_reject_turns_an_accepted_row_into_a_rejected_row_with_its_texts(self) -> None:
        (accepted,) = read_rows(csv_of(("d", "q", "a"))).accepted
        assert reject(accepted, reason="bridges_sides", message="it is on both sides.") == {
            "row": 1,
            "line": 2,
            "source": "a.csv",
            "column": None,
            "reason": "bridges_sides",
            "message": "a.csv row 1 (line 2): it is on both sides.",
            "text": {"document": "d", "question": "q", "answer": "a"},
        }


class TestHeaderCheck:
    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            pytest.param(b"doc,question,answer\n", "has a header and no rows", id="no rows"),
            pytest.param(b"doc,query\na,b\n", "no column for the answer", id="column"),
            pytest.param(b"doc;question;answer,x\na,b\n", "separated by semicolons", id="semicolons with a comma"),
        ],
    )
    def test_the_header_check_finds_problems_of_the_header_and_the_first_rows(self, body: bytes, problem: str) -> None:
        with pytest.raises(InputError, match=problem):
            check_header(BytesIO(body), source="a.csv", options=RowOptions())

    def test_the_header_check_does_not_read_the_whole_file(self) -> None:
        body = BytesIO(HEADER.encode() + b"a,b,c\n" * 10**6)
        check_header(body, source="a.csv", options=RowOptions())
        assert body.tell() < 200_000
