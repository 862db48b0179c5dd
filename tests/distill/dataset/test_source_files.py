from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.sections import SourceData
from include.distill.core.errors import InputError
from include.distill.dataset.exact_duplicates import ExactDuplicateIndex, RowLocations
from include.distill.dataset.rows import Duplicates, is_rejected
from include.distill.dataset.source_files import SourceReader, check_inputs, encoding_of, row_options
from tests.fakes.memory_store import MemoryStore

FOLDER = "s3://input/many/"
HEADER = "doc,question,answer\n"
ROW = "Document {0},Question {0}?,Answer {0}\n"


@pytest.fixture
def reader(store: MemoryStore) -> SourceReader:
    return SourceReader(SourceData(training_csv=FOLDER), store)


def write(store: MemoryStore, **files: bytes | str) -> None:
    for name, body in files.items():
        store.write(f"{FOLDER}{name}.csv", body.encode() if isinstance(body, str) else body)


def read(reader: SourceReader, limit: int | None = None) -> list[Any]:
    duplicates = Duplicates(ExactDuplicateIndex(RowLocations()))
    return [row["reason"] if is_rejected(row) else row["answer"] for row in reader.rows(FOLDER, duplicates, limit)]


class TestEncodings:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("faq.csv", "utf-16"),
            ("old/a.csv", "cp1252"),
            ("old/more/a.csv", "cp1252"),
            ("new/jp-1.csv", "shift-jis"),
            ("new/a.csv", "utf-8"),
        ],
    )
    def test_the_first_pattern_that_matches_the_path_or_the_name_counts(self, name: str, expected: str) -> None:
        patterns = {"faq.csv": "utf-16", "old/*": "cp1252", "jp-?.csv": "shift-jis", "jp-1.csv": "latin-1"}
        assert encoding_of(name, patterns) == expected

    def test_a_single_encoding_is_that_of_all_files(self) -> None:
        source = SourceData(training_csv=FOLDER, encoding="cp1252", columns={"document": "text"}, group_column="page")
        options = row_options(source, "a.csv")
        assert (options.encoding, options.columns, options.group_column) == ("cp1252", {"document": "text"}, "page")

    def test_files_of_several_encodings_are_read_from_one_folder(self, store: MemoryStore) -> None:
        write(store, a=f"{HEADER}d,q1?,é", b=f"{HEADER}d,q2?,“é”".encode("cp1252"))
        write(store, c=f"{HEADER}d,q3?,日本".encode("utf-16"))
        source = SourceData(training_csv=FOLDER, encoding={"b.csv": "cp1252", "c*": "utf-16"})
        assert read(SourceReader(source, store)) == ["é", "“é”", "日本"]
        assert check_inputs(source, store) == []

    def test_a_pattern_that_matches_no_file_is_a_problem(self, store: MemoryStore) -> None:
        write(store, a=HEADER + ROW.format(1))
        source = SourceData(training_csv=FOLDER, encoding={"b.csv": "cp1252", "a.csv": "utf-8"})
        (problem,) = map(str, check_inputs(source, store))
        assert "source.encoding has patterns that match no file: 'b.csv'." in problem

    @pytest.mark.parametrize("encoding", ["", {"a.csv": ""}, {"a.csv": 8}, 8])
    def test_an_encoding_is_a_name_or_a_mapping_of_patterns_to_names(self, encoding: Any) -> None:
        with pytest.raises(ValueError, match="encoding"):
            SourceData(training_csv=FOLDER, encoding=encoding)


class TestFilesWithoutRows:
    @pytest.mark.parametrize("empty", ["", HEADER, "\ufeff" + HEADER, "\n\n", HEADER.strip()])
    @pytest.mark.parametrize("first", [True, False])
    def test_a_part_without_rows_is_read_as_no_rows_and_noted(
        self, store: MemoryStore, reader: SourceReader, empty: str, first: bool
    ) -> None:
        write(store, **{("a" if first else "c"): empty, "b": HEADER + ROW.format(1) + ROW.format(2)})
        assert read(reader) == ["Answer 1", "Answer 2"]
        name = "a.csv" if first else "c.csv"
        assert reader.notes == [f"1 file(s) in {FOLDER} are empty or have only a header: {name}."]
        assert check_inputs(SourceData(training_csv=FOLDER), store) == []

    def test_a_folder_without_any_row_is_refused(self, store: MemoryStore, reader: SourceReader) -> None:
        write(store, a=HEADER, b="")
        with pytest.raises(InputError, match=r"a\.csv has a header and no rows"):
            read(reader)
        (problem,) = map(str, check_inputs(SourceData(training_csv=FOLDER), store))
        assert "a.csv has a header and no rows" in problem

    def test_a_part_with_other_columns_is_refused_even_without_rows(
        self, store: MemoryStore, reader: SourceReader
    ) -> None:
        write(store, a="name,price\n", b=HEADER + ROW.format(1))
        with pytest.raises(InputError, match=r"a\.csv line 1: no column for the document"):
            read(reader)

    def test_a_limit_counts_the_rows_of_all_files(self, store: MemoryStore, reader: SourceReader) -> None:
        write(store, a=HEADER, b=HEADER + ROW.format(1) + ROW.format(2), c=HEADER + ROW.format(3))
        assert read(reader, limit=1) == ["Answer 1"]


class TestNotes:
    def test_skipped_files_are_noted(self, store: MemoryStore, reader: SourceReader) -> None:
        write(store, a=HEADER + ROW.format(1))
        for name in ("_SUCCESS", ".DS_Store", "Thumbs.db", "__MACOSX/._a.csv", "sub/desktop.ini"):
            store.write(f"{FOLDER}{name}", b"x")
        assert read(reader) == ["Answer 1"]
        assert reader.notes == [
            f"5 file(s) in {FOLDER} are markers or files of the operating system and were not read: .DS_Store,"
            " Thumbs.db, _SUCCESS and 2 more."
        ]

    def test_empty_fields_at_the_end_of_every_row_are_noted(self, store: MemoryStore, reader: SourceReader) -> None:
        write(store, a=f"{HEADER}d,q1?,a1,,\nd,q2?,a2,,\n")
        assert read(reader) == ["a1", "a2"]
        assert reader.notes == [
            "a.csv: each row ends with 2 empty field(s) that the header does not have; they were ignored."
        ]

    def test_notes_fit_into_the_result_of_a_task(self, store: MemoryStore, reader: SourceReader) -> None:
        for number in range(9):
            write(store, **{f"{number}{'x' * 90}": f"{HEADER}d,q{number}?,a,\n"})
        assert len(read(reader)) == 9
        assert reader.notes[-1] == "There are 6 more notes about the files."
        assert sum(map(len, reader.notes)) < 1200


class TestCheckInputs:
    @pytest.mark.parametrize(
        ("rows", "problem"),
        [
            ("a,b,c,d\n" * 3, "line 2: the row has too many fields (4); expected 3"),
            ("a,b\nc,d\n", "line 2: the row has too few fields (2); expected 3"),
            ("'a, x','b','c'\n'd, y','e','f'\n", "Single quotes do not enclose a field"),
        ],
    )
    def test_a_file_whose_rows_all_have_a_wrong_width_is_a_problem(
        self, store: MemoryStore, rows: str, problem: str
    ) -> None:
        write(store, a=HEADER + rows)
        (found,) = map(str, check_inputs(SourceData(training_csv=FOLDER), store))
        assert problem in found
        assert "rows have this problem. Nothing was read." in found

    @pytest.mark.parametrize("rows", ["a,b\nc,d,e\n", "a,b,c\nd,e\nf,g\n", "a,b,c,\n"])
    def test_single_rows_with_a_wrong_width_are_left_to_ingest(self, store: MemoryStore, rows: str) -> None:
        write(store, a=HEADER + rows)
        assert check_inputs(SourceData(training_csv=FOLDER), store) == []
