from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from bedrock_distill.operators.ingest import IngestCsvOperator, ShardRowsOperator
from include.distill.config.sections import MAX_TASKS
from include.distill.config.use_case import UseCase
from include.distill.core.paths import PROJECT_ROOT
from include.distill.core.storage import read_jsonl, write_jsonl
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row

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
        rejected = read_jsonl(store, FOLDER.source("rejected"), dict)
        assert Counter(reject["reason"] for reject in rejected) == {
            "empty_field": 1,
            "duplicate": 1,
            "too_few_fields": 1,
            "in_evaluation_set": 1,
        }
        assert all(reject["message"] and reject["line"] and reject["text"] for reject in rejected)
        assert len(json.dumps(manifest)) < 2048

    def test_the_counts_match_the_written_rows(self, ingest: Any, store: MemoryStore) -> None:
        manifest = ingest(TRAIN)
        written = {name: len(read_jsonl(store, FOLDER.source(name), dict)) for name in ("train", "evaluation")}
        assert written == {"train": 30, "evaluation": 1}
        assert len(store.read(FOLDER.row_list).splitlines()) == manifest["accepted"] == 31
        assert {uri.removeprefix(f"{FOLDER.uri}/source/") for uri in store.list(f"{FOLDER.uri}/source/")} == {
            "train.jsonl", "evaluation.jsonl", "rejected.jsonl", "rows.txt",
        }  # fmt: skip

    @pytest.mark.parametrize("source", [{}, {"evaluation_csv": None, "evaluation_share": 0.3}], ids=["own", "split"])
    def test_a_second_run_writes_the_same_bytes(self, ingest: Any, store: MemoryStore, source: dict[str, Any]) -> None:
        ingest(TRAIN, **source)
        first = dict(store.objects)
        ingest(TRAIN, **source)
        assert store.objects == first


class TestShards:
    def test_only_rows_whose_pairs_an_arm_uses_are_put_into_shards_for_the_teacher(
        self, equip: Any, store: MemoryStore, context: Any, use_case: UseCase
    ) -> None:
        arms = [{"name": "base", "kind": "base"}, {"name": "mix", "originals": 4, "synthetic": 12}, {"name": "all"}]
        freeze(store, use_case, arms=[*arms[:2], {**arms[2], "synthetic": 0}])
        shards = equip(ShardRowsOperator(task_id="shards", run_uri=RUN_URI, rows="train", max_tasks=20))
        assert shards.execute(context) == [0, 1, 2, 3]
        assert context["ti"].xcoms == {"sharded_rows": 4}
        everything = equip(ShardRowsOperator(task_id="shards", run_uri=RUN_URI, rows="evaluation", max_tasks=20))
        assert everything.execute(context) == [0, 1, 2, 3]

    @pytest.mark.parametrize(("max_tasks", "tasks"), [(1, 1), (3, 3), (10, 10), (99, 10)])
    def test_rows_are_split_into_at_most_max_tasks_shards_and_none_is_lost(
        self, equip: Any, store: MemoryStore, context: Any, max_tasks: int, tasks: int
    ) -> None:
        numbers = equip(
            ShardRowsOperator(task_id="shards", run_uri=RUN_URI, rows="train", max_tasks=max_tasks)
        ).execute(context)
        assert numbers == list(range(tasks))
        assert context["ti"].xcoms == {"sharded_rows": 10}
        sharded = [row for number in numbers for row in read_jsonl(store, FOLDER.shard("train", number), dict)]
        assert sharded == read_jsonl(store, FOLDER.source("train"), dict)

    def test_the_result_for_the_largest_number_of_shards_fits_into_two_kilobytes_of_xcom(
        self, equip: Any, store: MemoryStore, context: Any
    ) -> None:
        write_jsonl(
            store,
            FOLDER.source("train"),
            ({**make_row(number), "document": "d", "group": "d"} for number in range(MAX_TASKS + 100)),
        )
        task = ShardRowsOperator(task_id="shards", run_uri=RUN_URI, rows="train", max_tasks=MAX_TASKS)
        numbers = equip(task).execute(context)
        assert len(numbers) == MAX_TASKS
        assert len(json.dumps(numbers)) < 2048


def test_a_row_that_is_too_long_for_the_student_is_rejected_with_its_file_and_line(
    ingest: Any, store: MemoryStore
) -> None:
    manifest = ingest(TRAIN + f'"{"東京都の図書館は毎日開いている。" * 2500}",Question x?,Answer x\n')
    assert manifest["reasons"] == {"too_long": 1}
    (rejected,) = read_jsonl(store, FOLDER.source("rejected"), dict)
    assert (rejected["column"], rejected["row"], rejected["line"]) == ("document", 31, 32)
    assert rejected["message"].startswith("train.csv row 31 (line 32): the row's training record has up to")
