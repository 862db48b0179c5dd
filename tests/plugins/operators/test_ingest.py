from __future__ import annotations

import json
import random
from collections import Counter
from string import ascii_lowercase
from typing import Any, ClassVar

import pytest

from bedrock_distill.operators.ingest import IngestCsvOperator, ShardRowsOperator
from include.distill.config.sections import MAX_TASKS
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from include.distill.core.storage import read_jsonl, write_jsonl
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

NASTY = PROJECT_ROOT / "tests" / "data" / "nasty"
TRAIN_CSV, EVALUATION_CSV = "s3://input/train.csv", "s3://input/evaluation.csv"
HEADER = "doc,question,answer\n"
TRAIN = HEADER + "".join(f"Document {n},Question {n}?,Answer {n}\n" for n in range(1, 31))
EVALUATION = HEADER + "Document e,Question e?,Answer e\n"


@pytest.fixture
def ingest(equip: Any, store: MemoryStore, use_case: UseCase, context: Any) -> Any:
    """Return a function that ingests two CSV texts, with settings of ``source``."""

    def run(train: str | bytes, evaluation: str = EVALUATION, **source: Any) -> dict[str, Any]:
        store.write(TRAIN_CSV, train.encode() if isinstance(train, str) else train)
        store.write(EVALUATION_CSV, evaluation.encode())
        stated = {"training_csv": TRAIN_CSV, "evaluation_csv": EVALUATION_CSV, **source}
        freeze(store, use_case, source=stated)
        manifest: dict[str, Any] = equip(IngestCsvOperator(task_id="ingest", run_uri=RUN_URI)).execute(context)
        return manifest

    return run


class TestIngest:
    def test_every_record_is_accepted_or_rejected_with_its_reason(self, ingest: Any, store: MemoryStore) -> None:
        broken = "Document x,,Answer x\nDocument 1,Question 1?,Answer 1\nDocument y,Question y?\n"
        leaked = "Document e,Question e?,Answer e\n"
        manifest = ingest(TRAIN + broken + leaked)
        assert {key: manifest[key] for key in ("rows", "accepted", "rejected", "train", "evaluation")} == {
            "rows": 35,
            "accepted": 31,
            "rejected": 4,
            "train": 30,
            "evaluation": 1,
        }
        rejected = read_jsonl(store, FOLDER.source("rejected"))
        assert Counter(reject["reason"] for reject in rejected) == {
            "empty_field": 1,
            "duplicate": 1,
            "too_few_fields": 1,
            "in_evaluation_set": 1,
        }
        assert all(reject["message"] and reject["line"] and reject["text"] for reject in rejected)
        assert len(json.dumps(manifest)) < 2048

    def test_the_written_rows_are_the_counted_ones(self, ingest: Any, store: MemoryStore) -> None:
        manifest = ingest(TRAIN)
        written = {name: len(read_jsonl(store, FOLDER.source(name))) for name in ("documents", "train", "evaluation")}
        assert written == {"documents": manifest["accepted"], "train": 30, "evaluation": 1}

    @pytest.mark.parametrize("name", ["quotes_newlines_braces", "duplicate_rows", "truncated_upload"])
    def test_counts_reconcile_on_real_dirt(self, ingest: Any, store: MemoryStore, name: str) -> None:
        manifest = ingest((NASTY / f"{name}.csv").read_bytes())
        assert manifest["rows"] == manifest["accepted"] + manifest["rejected"]
        assert manifest["accepted"] == manifest["train"] + manifest["evaluation"]
        assert manifest["rejected"] == len(read_jsonl(store, FOLDER.source("rejected")))

    def test_a_limit_takes_the_first_records_good_and_bad(self, ingest: Any) -> None:
        manifest = ingest(HEADER + "Document x,,Answer x\n" + TRAIN.removeprefix(HEADER), documents=5)
        assert (manifest["train"], manifest["rejected"]) == (4, 1)

    def test_without_an_evaluation_file_documents_are_held_out(self, ingest: Any, store: MemoryStore) -> None:
        manifest = ingest(TRAIN, evaluation_csv=None, evaluation_share=0.3)
        assert manifest["train"] + manifest["evaluation"] == manifest["rows"] == 30
        train, held_out = (
            {row["document"] for row in read_jsonl(store, FOLDER.source(name))} for name in ("train", "evaluation")
        )
        assert not train & held_out

    def test_several_files_of_a_folder_are_one_source_and_rows_name_their_file(
        self, ingest: Any, store: MemoryStore
    ) -> None:
        store.write("s3://input/many/b.csv", f"{HEADER}Document b,Question b?,Answer b\n,Question?,Answer\n".encode())
        store.write("s3://input/many/a.csv", b"answer,doc,query\nAnswer a,Document a,Question a?\n")
        manifest = ingest(TRAIN, training_csv="s3://input/many/")
        assert (manifest["train"], manifest["rejected"]) == (2, 1)
        train, rejected = (read_jsonl(store, FOLDER.source(name)) for name in ("train", "rejected"))
        assert [(row["source"], row["row"], row["answer"]) for row in train] == [
            ("a.csv", 1, "Answer a"),
            ("b.csv", 1, "Answer b"),
        ]
        assert [(row["source"], row["row"]) for row in rejected] == [("b.csv", 2)]

    def test_a_fault_in_a_later_file_leaves_nothing_written(self, ingest: Any, store: MemoryStore) -> None:
        store.write("s3://input/many/a.csv", TRAIN.encode())
        store.write("s3://input/many/b.csv", f'{HEADER}a,b,"c"d\n'.encode())
        for name in ("documents", "train", "evaluation", "rejected"):
            store.delete(FOLDER.source(name))
        with pytest.raises(InputError, match=r"b\.csv line 2: text follows a closing quote"):
            ingest(TRAIN, training_csv="s3://input/many/")
        assert not store.list(f"{FOLDER.uri}/source/")

    @pytest.mark.parametrize(
        ("train", "message"),
        [
            pytest.param(HEADER, "has a header and no rows", id="no records"),
            pytest.param(HEADER + "Document x,,Answer x\n", "First reason: train.csv row 1", id="none usable"),
            pytest.param("a,b\n1,2\n", "no column for the document", id="other columns"),
        ],
    )
    def test_a_file_without_usable_rows_fails_with_the_reason(self, ingest: Any, train: str, message: str) -> None:
        with pytest.raises(InputError, match=message):
            ingest(train)

    @pytest.mark.parametrize("source", [{}, {"evaluation_csv": None, "evaluation_share": 0.3}], ids=["own", "split"])
    def test_a_second_run_writes_the_same_bytes(self, ingest: Any, store: MemoryStore, source: dict[str, Any]) -> None:
        ingest(TRAIN, **source)
        first = dict(store.objects)
        ingest(TRAIN, **source)
        assert store.objects == first


class TestLeaks:
    """Documents long enough to be compared, with a page each."""

    PAGES: ClassVar = {
        n: " ".join("".join(random.Random(100 * n + k).choices(ascii_lowercase, k=5)) for k in range(60))
        for n in range(9)
    }
    SPLIT: ClassVar = {"evaluation_csv": None, "evaluation_share": 0.3}

    def csv_of(self, *documents: str) -> str:
        rows = (f"{document},Question {n}?,Answer {n}\n" for n, document in enumerate(documents))
        return HEADER + "".join(rows)

    def sides(self, store: MemoryStore) -> dict[str, str]:
        return {
            row["document"]: side for side in ("train", "evaluation") for row in read_jsonl(store, FOLDER.source(side))
        }

    def test_nearly_the_same_document_in_both_files_is_dropped_from_training(
        self, ingest: Any, store: MemoryStore
    ) -> None:
        evaluation = f"{HEADER}{self.PAGES[0]},Question e?,Answer e\n"
        train = self.csv_of(f"{self.PAGES[0]} and more", self.PAGES[1])
        assert ingest(train, evaluation)["reasons"] == {"document_in_evaluation_set": 1}
        (leak,) = read_jsonl(store, FOLDER.source("rejected"))
        assert "its document is that of row 1 of evaluation.csv" in leak["message"]
        assert leak["text"]["document"].endswith("and more")

    def test_or_kept_when_the_use_case_says_so(self, ingest: Any) -> None:
        evaluation = f"{HEADER}{self.PAGES[0]},Question e?,Answer e\n"
        manifest = ingest(self.csv_of(self.PAGES[0], self.PAGES[1]), evaluation, shared_documents="keep")
        assert (manifest["train"], manifest["evaluation"], manifest["rejected"]) == (2, 1, 0)

    def test_the_next_night_keeps_the_sides_of_the_last_one(self, ingest: Any, store: MemoryStore) -> None:
        ingest(self.csv_of(*self.PAGES.values()), **self.SPLIT)
        before = self.sides(store)
        copies = [f"{page} and more" for page in self.PAGES.values()]
        ingest(self.csv_of(*copies, *self.PAGES.values()), **self.SPLIT | {"evaluation_share": 0.9})
        after = self.sides(store)
        assert {page: after[page] for page in before} == before
        assert all(after[f"{page} and more"] == side for page, side in before.items())
        assert {row["group"] for row in read_jsonl(store, FOLDER.source("train"))}.isdisjoint(
            row["group"] for row in read_jsonl(store, FOLDER.source("evaluation"))
        )

    def test_a_new_row_that_bridges_two_sides_is_dropped_with_that_reason(
        self, ingest: Any, store: MemoryStore
    ) -> None:
        first = [f"{page},Question {n}?,Answer {n},page {n}\n" for n, page in self.PAGES.items()]
        columns = {**self.SPLIT, "group_column": "page"}
        ingest(HEADER.replace("\n", ",page\n") + "".join(first), **columns)
        sides = {n: self.sides(store)[page] for n, page in self.PAGES.items()}
        one, other = (next(n for n, found in sides.items() if found == side) for side in ("train", "evaluation"))
        bridge = f"{self.PAGES[one]} and more,Question?,Answer,page {other}\n"
        manifest = ingest(HEADER.replace("\n", ",page\n") + bridge + "".join(first), **columns)
        assert manifest["reasons"] == {"bridges_sides": 1}
        (dropped,) = read_jsonl(store, FOLDER.source("rejected"))
        assert f"row {one + 2} of train.csv, which is trained on" in dropped["message"]
        assert f"row {other + 2} of train.csv, which is evaluated" in dropped["message"]
        assert {n: self.sides(store)[page] for n, page in self.PAGES.items()} == sides


class TestShards:
    def test_only_rows_that_an_arm_takes_pairs_of_are_cut_for_the_teacher(
        self, equip: Any, store: MemoryStore, context: Any, use_case: UseCase
    ) -> None:
        arms = [{"name": "base", "kind": "base"}, {"name": "mix", "originals": 4, "synthetic": 12}, {"name": "all"}]
        freeze(store, use_case, arms=[*arms[:2], {**arms[2], "synthetic": 0}])
        shards = equip(ShardRowsOperator(task_id="shards", run_uri=RUN_URI, rows="train", max_tasks=20))
        assert shards.execute(context) == [0, 1, 2, 3]
        everything = equip(ShardRowsOperator(task_id="shards", run_uri=RUN_URI, rows="evaluation", max_tasks=20))
        assert everything.execute(context) == [0, 1, 2, 3]

    @pytest.mark.parametrize(("max_tasks", "tasks"), [(1, 1), (3, 3), (10, 10), (99, 10)])
    def test_rows_are_cut_into_at_most_so_many_shards_and_none_is_lost(
        self, equip: Any, store: MemoryStore, context: Any, max_tasks: int, tasks: int
    ) -> None:
        numbers = equip(
            ShardRowsOperator(task_id="shards", run_uri=RUN_URI, rows="train", max_tasks=max_tasks)
        ).execute(context)
        assert numbers == list(range(tasks))
        sharded = [row for number in numbers for row in read_jsonl(store, FOLDER.shard("train", number))]
        assert sharded == read_jsonl(store, FOLDER.source("train"))

    def test_as_many_shards_as_are_allowed_stay_within_the_two_kilobytes_of_an_xcom(
        self, equip: Any, store: MemoryStore, context: Any
    ) -> None:
        write_jsonl(
            store,
            FOLDER.source("train"),
            ({"row_id": str(number), "document": "d"} for number in range(MAX_TASKS + 100)),
        )
        task = ShardRowsOperator(task_id="shards", run_uri=RUN_URI, rows="train", max_tasks=MAX_TASKS)
        numbers = equip(task).execute(context)
        assert len(numbers) == MAX_TASKS
        assert len(json.dumps(numbers)) < 2048
