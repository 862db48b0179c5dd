from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.operators.ingest import IngestCsvOperator, ShardRowsOperator
from include.distill.errors import InputError
from include.distill.storage import read_jsonl, write_jsonl
from include.distill.use_case import UseCase
from include.distill.use_case_sections import MOST_TASKS
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

NASTY = Path(__file__).parents[1] / "data" / "nasty"
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
        assert manifest == {"rows": 35, "accepted": 31, "rejected": 4, "train": 30, "evaluation": 1}
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

    def test_a_second_run_writes_the_same_bytes(self, ingest: Any, store: MemoryStore) -> None:
        ingest(TRAIN)
        first = dict(store.objects)
        ingest(TRAIN)
        assert store.objects == first


class TestShards:
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
        write_jsonl(store, FOLDER.source("train"), ({"row": number} for number in range(MOST_TASKS + 100)))
        task = ShardRowsOperator(task_id="shards", run_uri=RUN_URI, rows="train", max_tasks=MOST_TASKS)
        numbers = equip(task).execute(context)
        assert len(numbers) == MOST_TASKS
        assert len(json.dumps(numbers)) < 2048
