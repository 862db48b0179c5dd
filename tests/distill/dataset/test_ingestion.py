from __future__ import annotations

import random
from string import ascii_lowercase
from typing import Any, ClassVar

import pytest

from include.distill.config.layout import RunFolder
from include.distill.config.sections import SourceData
from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from include.distill.core.storage import read_jsonl
from include.distill.dataset import ingestion
from include.distill.dataset.ingestion import MAX_REJECTION_MESSAGES, IngestResult
from include.distill.dataset.records import RejectedRow, Row, SourceCounts
from include.distill.dataset.source_files import check_inputs
from tests.fakes.memory_store import MemoryStore

NASTY = PROJECT_ROOT / "tests" / "data" / "nasty"
FOLDER = RunFolder("s3://bucket/distill/runs/one")
TRAIN_CSV, EVALUATION_CSV = "s3://input/train.csv", "s3://input/evaluation.csv"
HEADER = "doc,question,answer\n"
TRAIN = HEADER + "".join(f"Document {n},Question {n}?,Answer {n}\n" for n in range(1, 31))
EVALUATION = HEADER + "Document e,Question e?,Answer e\n"


class Ingest:
    """Ingest two CSV texts with the given settings of ``source``."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def __call__(self, train: str | bytes, evaluation: str = EVALUATION, **source: Any) -> SourceCounts:
        return self.result(train, evaluation, **source).manifest()

    def result(self, train: str | bytes, evaluation: str = EVALUATION, **source: Any) -> IngestResult:
        self.store.write(TRAIN_CSV, train.encode() if isinstance(train, str) else train)
        self.store.write(EVALUATION_CSV, evaluation.encode())
        stated = SourceData(**{"training_csv": TRAIN_CSV, "evaluation_csv": EVALUATION_CSV, **source})
        splits = "s3://bucket/distill/splits/tiny.jsonl"
        return ingestion.ingest(stated, store=self.store, folder=FOLDER, splits_uri=splits, seed=7)

    def rows(self, name: str) -> list[Row]:
        return read_jsonl(self.store, FOLDER.source(name), Row)

    @property
    def rejected(self) -> list[RejectedRow]:
        return read_jsonl(self.store, FOLDER.source("rejected"), RejectedRow)

    @property
    def sides(self) -> dict[str, str]:
        """Return the side of each document."""
        return {row["document"]: side for side in ("train", "evaluation") for row in self.rows(side)}


@pytest.fixture
def ingest(store: MemoryStore) -> Ingest:
    return Ingest(store)


def test_the_mean_length_of_a_document_counts_every_training_row_and_no_other(ingest: Ingest) -> None:
    """A document of ten characters has two rows; the rejected row and the evaluation row are longer."""
    train = HEADER + "aaaa,One?,1\nbbbbbbbbbb,Two?,2\nbbbbbbbbbb,Three?,3\n" + "c" * 500 + ",,4\n"
    counts = ingest(train, HEADER + "d" * 300 + ",Four?,4\n", max_rejected_share=0.5)
    assert (counts["train"], counts["mean_document_characters"]) == (3, 8.0)


class TestIngest:
    def test_ingest_writes_only_training_evaluation_and_rejected_rows_and_the_list_of_rows(
        self, ingest: Ingest, store: MemoryStore
    ) -> None:
        counts = ingest(TRAIN + "Document x,,Answer x\n")
        assert (counts["rows"], counts["accepted"], counts["rejected"]) == (32, 31, 1)
        assert (len(ingest.rows("train")), len(ingest.rows("evaluation")), len(ingest.rejected)) == (30, 1, 1)
        assert len(store.read(FOLDER.row_list).splitlines()) == 31
        assert [uri.removeprefix(f"{FOLDER.uri}/source/") for uri in store.list(FOLDER.uri)] == [
            "evaluation.jsonl",
            "rejected.jsonl",
            "rows.txt",
            "train.jsonl",
        ]

    def test_a_training_row_has_the_name_of_its_group_as_the_last_key(self, ingest: Ingest) -> None:
        ingest(HEADER.replace("\n", ",page\n") + "d,q,a,page 1\n", group_column=None)
        (row,) = ingest.rows("train")
        assert list(row) == ["row_id", "row", "line", "source", "document", "question", "answer", "group"]
        assert row["group"] == "18ac3e7343f01689"

    def test_the_first_messages_of_rejected_rows_are_kept(self, ingest: Ingest) -> None:
        empty = "".join(f"Document {n},,Answer\n" for n in range(MAX_REJECTION_MESSAGES + 5))
        result = ingest.result(TRAIN + empty, max_rejected_share=0.5)
        assert result.reasons == {"empty_field": MAX_REJECTION_MESSAGES + 5}
        assert len(result.messages) == MAX_REJECTION_MESSAGES
        assert "train.csv row 31 (line 32)" in result.messages[0]

    @pytest.mark.parametrize("name", ["quotes_newlines_braces", "duplicate_rows", "truncated_upload"])
    def test_accepted_and_rejected_rows_add_up_for_awkward_files(
        self, ingest: Ingest, store: MemoryStore, name: str
    ) -> None:
        manifest = ingest((NASTY / f"{name}.csv").read_bytes())
        assert manifest["rows"] == manifest["accepted"] + manifest["rejected"]
        assert manifest["accepted"] == manifest["train"] + manifest["evaluation"]
        assert manifest["rejected"] == len(ingest.rejected)

    def test_a_row_limit_counts_accepted_and_rejected_records(self, ingest: Ingest) -> None:
        manifest = ingest(HEADER + "Document x,,Answer x\n" + TRAIN.removeprefix(HEADER), documents=5)
        assert (manifest["train"], manifest["rejected"]) == (4, 1)

    def test_a_row_limit_counts_the_records_of_all_files_together(self, ingest: Ingest, store: MemoryStore) -> None:
        for name in ("a", "b", "c"):
            rows = "".join(f"Document {name}{n},Question {name}{n}?,Answer\n" for n in range(2))
            store.write(f"s3://input/many/{name}.csv", f"{HEADER}{rows}".encode())
        assert ingest(TRAIN, training_csv="s3://input/many/", documents=3)["train"] == 3
        assert [row["source"] for row in ingest.rows("train")] == ["a.csv", "a.csv", "b.csv"]

    def test_documents_are_held_out_when_there_is_no_evaluation_file(self, ingest: Ingest, store: MemoryStore) -> None:
        manifest = ingest(TRAIN, evaluation_csv=None, evaluation_share=0.3)
        assert manifest["train"] + manifest["evaluation"] == manifest["rows"] == 30
        train, held_out = ({row["document"] for row in ingest.rows(name)} for name in ("train", "evaluation"))
        assert not train & held_out

    def test_the_files_of_a_folder_are_one_source_and_each_row_names_its_file(
        self, ingest: Ingest, store: MemoryStore
    ) -> None:
        store.write("s3://input/many/b.csv", f"{HEADER}Document b,Question b?,Answer b\n,Question?,Answer\n".encode())
        store.write("s3://input/many/a.csv", b"answer,doc,query\nAnswer a,Document a,Question a?\n")
        manifest = ingest(TRAIN, training_csv="s3://input/many/")
        assert (manifest["train"], manifest["rejected"]) == (2, 1)
        assert [(row["source"], row["row"], row["answer"]) for row in ingest.rows("train")] == [
            ("a.csv", 1, "Answer a"),
            ("b.csv", 1, "Answer b"),
        ]
        assert [(row["source"], row["row"]) for row in ingest.rejected] == [("b.csv", 2)]

    def test_nothing_is_written_when_a_later_file_cannot_be_used(self, ingest: Ingest, store: MemoryStore) -> None:
        store.write("s3://input/many/a.csv", TRAIN.encode())
        store.write("s3://input/many/b.csv", f'{HEADER}a,b,"c"d\n'.encode())
        with pytest.raises(InputError, match=r"b\.csv line 2: text follows a closing quote"):
            ingest(TRAIN, training_csv="s3://input/many/")
        assert not store.list(f"{FOLDER.uri}/source/")

    @pytest.mark.parametrize(
        ("train", "message"),
        [
            pytest.param(HEADER, "has a header and no rows", id="no records"),
            pytest.param(HEADER + "Document x,,Answer x\n", "First problem: train.csv row 1", id="none usable"),
            pytest.param("a,b\n1,2\n", "no column for the document", id="other columns"),
        ],
    )
    def test_a_file_without_usable_rows_is_refused_with_the_reason(
        self, ingest: Ingest, train: str, message: str
    ) -> None:
        with pytest.raises(InputError, match=message):
            ingest(train)
        assert ingest.store.list(FOLDER.uri) == []


class TestUnusableRows:
    def test_a_file_with_commas_in_most_documents_stops_the_run_with_the_share_and_the_first_rows(
        self, ingest: Ingest
    ) -> None:
        comma = {n: "" if n % 10 == 0 else ", with a comma" for n in range(200)}
        rows = "".join(f"text {n}{comma[n]},What is {n}?,It is {n}.\n" for n in range(200))
        with pytest.raises(InputError) as raised:
            ingest(HEADER + rows)
        message = str(raised.value)
        assert "180 of the 200 rows of s3://input/train.csv cannot be used (90%" in message
        assert "- train.csv row 2 (line 3): the row has too many fields (4); expected 3" in message
        assert ingest.store.list(FOLDER.uri) == []

    def test_the_limit_is_a_setting_and_applies_to_the_evaluation_rows_too(self, ingest: Ingest) -> None:
        broken = EVALUATION + "Document x,,Answer\n" * 4
        with pytest.raises(InputError, match=r"4 of the 5 rows of s3://input/evaluation.csv cannot be used \(80%"):
            ingest(TRAIN, broken)
        counts = ingest(TRAIN, broken, max_rejected_share=0.8)
        assert (counts["rejected"], counts["reasons"]) == (4, {"empty_field": 4})

    def test_duplicates_do_not_stop_the_run(self, ingest: Ingest) -> None:
        counts = ingest(TRAIN + TRAIN.removeprefix(HEADER) * 3)
        assert (counts["train"], counts["reasons"]) == (30, {"duplicate": 90})

    def test_a_header_only_part_and_skipped_files_are_noted_in_the_result(
        self, ingest: Ingest, store: MemoryStore
    ) -> None:
        store.write("s3://input/many/part-00000.csv", TRAIN.encode())
        store.write("s3://input/many/part-00001.csv", HEADER.encode())
        store.write("s3://input/many/_SUCCESS", b"")
        counts = ingest(TRAIN, training_csv="s3://input/many/")
        assert (counts["train"], counts["rejected"]) == (30, 0)
        assert [note.split(" in ")[0] for note in counts["notes"]] == ["1 file(s)", "1 file(s)"]
        assert "part-00001.csv" in counts["notes"][1]
        assert "notes" not in ingest(TRAIN)


class TestLeaks:
    """The documents in these tests are long enough to be compared for similarity."""

    PAGES: ClassVar = {
        n: " ".join("".join(random.Random(100 * n + k).choices(ascii_lowercase, k=5)) for k in range(60))
        for n in range(9)
    }
    SPLIT: ClassVar = {"evaluation_csv": None, "evaluation_share": 0.3}

    def csv_of(self, *documents: str) -> str:
        rows = (f"{document},Question {n}?,Answer {n}\n" for n, document in enumerate(documents))
        return HEADER + "".join(rows)

    def test_a_training_document_nearly_equal_to_an_evaluation_document_is_rejected(self, ingest: Ingest) -> None:
        evaluation = f"{HEADER}{self.PAGES[0]},Question e?,Answer e\n"
        train = self.csv_of(f"{self.PAGES[0]} and more", self.PAGES[1])
        assert ingest(train, evaluation)["reasons"] == {"document_in_evaluation_set": 1}
        (leak,) = ingest.rejected
        assert "in the same group as the document of row 1 of evaluation.csv in the evaluation set" in leak["message"]
        assert "raise source.same_document_similarity (0.8)" in leak["message"]
        assert leak["text"]["document"].endswith("and more")

    def test_a_document_in_both_files_is_kept_when_the_use_case_allows_it(self, ingest: Ingest) -> None:
        evaluation = f"{HEADER}{self.PAGES[0]},Question e?,Answer e\n"
        manifest = ingest(self.csv_of(self.PAGES[0], self.PAGES[1]), evaluation, shared_documents="keep")
        assert (manifest["train"], manifest["evaluation"], manifest["rejected"]) == (2, 1, 0)

    def test_the_next_run_keeps_the_sides_of_the_last_run(self, ingest: Ingest) -> None:
        ingest(self.csv_of(*self.PAGES.values()), **self.SPLIT)
        before = ingest.sides
        copies = [f"{page} and more" for page in self.PAGES.values()]
        ingest(self.csv_of(*copies, *self.PAGES.values()), **self.SPLIT | {"evaluation_share": 0.9})
        after = ingest.sides
        assert {page: after[page] for page in before} == before
        assert all(after[f"{page} and more"] == side for page, side in before.items())
        train, evaluation = ({row["group"] for row in ingest.rows(name)} for name in ("train", "evaluation"))
        assert not train & evaluation

    def test_a_new_row_that_connects_both_sides_is_rejected_with_the_reason_bridges_sides(self, ingest: Ingest) -> None:
        first = [f"{page},Question {n}?,Answer {n},page {n}\n" for n, page in self.PAGES.items()]
        columns = {**self.SPLIT, "group_column": "page"}
        ingest(HEADER.replace("\n", ",page\n") + "".join(first), **columns)
        sides = {n: ingest.sides[page] for n, page in self.PAGES.items()}
        one, other = (next(n for n, given in sides.items() if given == side) for side in ("train", "evaluation"))
        bridge = f"{self.PAGES[one]} and more,Question?,Answer,page {other}\n"
        manifest = ingest(HEADER.replace("\n", ",page\n") + bridge + "".join(first), **columns)
        assert manifest["reasons"] == {"bridges_sides": 1}
        (dropped,) = ingest.rejected
        assert f"row {one + 2} of train.csv, which is a training row" in dropped["message"]
        assert f"row {other + 2} of train.csv, which is an evaluation row" in dropped["message"]
        assert "source.same_document_similarity (0.8)" in dropped["message"]
        assert {n: ingest.sides[page] for n, page in self.PAGES.items()} == sides


class TestCheckInputs:
    def check(self, store: MemoryStore, **source: Any) -> list[str]:
        return [str(error) for error in check_inputs(SourceData(**{"training_csv": TRAIN_CSV, **source}), store)]

    def test_check_inputs_finds_no_problem_in_good_files(self, store: MemoryStore) -> None:
        store.write(TRAIN_CSV, TRAIN.encode())
        assert self.check(store) == []

    def test_check_inputs_reports_a_problem_of_each_source(self, store: MemoryStore) -> None:
        store.write(TRAIN_CSV, b"doc,question\na,b\n")
        training, evaluation = self.check(store, evaluation_csv=EVALUATION_CSV)
        assert training.startswith("s3://input/train.csv line 1: no column for the answer")
        assert evaluation.startswith("Input s3://input/evaluation.csv does not exist")
