from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import IO

import pytest

from include.distill.config.layout import RunFolder
from include.distill.config.sections import SourceData
from include.distill.core.storage import read_jsonl
from include.distill.dataset import ingestion, input_formats, source_files
from include.distill.dataset.input_formats import read_table
from include.distill.dataset.records import RejectedRow, Row
from include.distill.dataset.tables import RowFault, Table, TableRecord
from tests.fakes.memory_store import MemoryStore

FOLDER = RunFolder("s3://bucket/distill/runs/one")


def read_lines(body: IO[bytes], *, source: str, encoding: str, limit: int | None = None) -> Table:
    """Read a format made up for these tests. Slashes separate fields, and a "?" at the end marks a broken record."""
    lines = [line.rstrip("\n") for line in body.read().decode(encoding).splitlines(keepends=True)]

    def records() -> Iterator[TableRecord]:
        for number, line in list(enumerate(lines, start=1))[1:][:limit]:
            fault = RowFault("truncated", "the record ends early.") if line.endswith("?") else None
            yield TableRecord(number, line.split("/"), line, fault)

    return Table(TableRecord(1, lines[0].split("/"), lines[0]), records(), ("This is a hint.",))


@pytest.fixture
def _slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(input_formats.TABLE_READERS, ".slashes", read_lines)  # type: ignore[arg-type]


@pytest.mark.usefixtures("_slashes")
@pytest.mark.parametrize("source", ["a.slashes", "s3://bucket/in/B.SLASHES"])
def test_the_reader_is_chosen_by_the_ending_of_the_file(source: str) -> None:
    table = read_table(BytesIO(b"doc/question\na/b\n"), source=source, encoding="utf-8")
    assert (table.header.fields, [record.fields for record in table.records]) == (["doc", "question"], [["a", "b"]])


@pytest.mark.parametrize("source", ["a.csv", "a.txt", "rows"])
def test_a_file_with_an_unknown_ending_is_read_as_csv(source: str) -> None:
    table = read_table(BytesIO(b"doc,question\na,b\nc,d\n"), source=source, encoding="utf-8", limit=1)
    assert [record.fields for record in table.records] == [["a", "b"]]


@pytest.mark.usefixtures("_slashes")
def test_a_folder_with_csv_files_and_files_of_a_registered_format_is_ingested(store: MemoryStore) -> None:
    store.write("s3://input/train/a.csv", b"doc,question,answer\nd1,q1,a1\n")
    store.write("s3://input/train/b.slashes", b"answer/doc/query\na2/d2/q2\na3/d3?\na1/d/q1\n")
    store.write("s3://input/evaluation.slashes", b"doc/question/answer\nd/q/a\n")
    source = SourceData(training_csv="s3://input/train/", evaluation_csv="s3://input/evaluation.slashes")
    ingestion.ingest(source, store=store, folder=FOLDER, splits_uri="s3://bucket/splits.jsonl", seed=7)
    train = read_jsonl(store, FOLDER.source("train"), Row)
    assert [(row["source"], row["question"]) for row in train] == [("a.csv", "q1"), ("b.slashes", "q2")]
    rejected = read_jsonl(store, FOLDER.source("rejected"), RejectedRow)
    assert [(row["line"], row["reason"], row["text"]) for row in rejected] == [
        (3, "truncated", "a3/d3?"),
        (4, "duplicate", {"document": "d", "question": "q1", "answer": "a1"}),
    ]


@pytest.mark.usefixtures("_slashes")
def test_the_message_about_missing_columns_contains_the_hints_of_the_reader(store: MemoryStore) -> None:
    store.write("s3://input/a.slashes", b"doc/question\na/b\n")
    (problem,) = map(str, source_files.check_inputs(SourceData(training_csv="s3://input/a.slashes"), store))
    assert "no column for the answer" in problem
    assert (
        "Found 2 columns: 'doc', 'question'. This is a hint. Change the file (give it a column named answer or reply)"
        in problem
    )
