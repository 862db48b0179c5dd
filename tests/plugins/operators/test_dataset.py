from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.core.errors import LimitError
from include.distill.core.storage import read_json, read_jsonl, write_jsonl
from include.distill.dataset.splits import split_by_document
from include.distill.text.token_count import central_token_count
from include.distill.training.formats import record_texts
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row

BASE = {"name": "base", "kind": "base"}
ORIGINALS = 10


def synthetic_pair(number: int) -> dict[str, Any]:
    return {**make_row(number), "pair": 0, "question": f"New question {number}?", "topic": "t"}


@pytest.fixture
def manifests(store: MemoryStore) -> list[dict[str, Any]]:
    """Two shards of five rows, one new pair for each row."""
    for shard, numbers in enumerate((range(1, 6), range(6, 11))):
        write_jsonl(store, FOLDER.synthetic(shard), [synthetic_pair(n) for n in numbers])
    write_jsonl(store, FOLDER.synthetic_repeated, [])
    counts = {"documents": 10, "requested": 10, "accepted": 10, "rejected": 0, "missing": 0, "surplus": 0}
    return [{"shards": 2, "dropped": {}, **counts}]


@pytest.fixture
def merge(equip: Any, context: Any) -> Any:
    def run(manifests: list[dict[str, int]]) -> dict[str, Any]:
        task = equip(MergeDatasetOperator(task_id="merge", run_uri=RUN_URI, arm="tuned", synthesis=manifests))
        manifest: dict[str, Any] = task.execute(context)
        return manifest

    return run


@pytest.fixture
def upload(equip: Any, context: Any) -> Any:
    def run(merged: dict[str, Any]) -> dict[str, Any]:
        task = equip(UploadDatasetOperator(task_id="upload", run_uri=RUN_URI, arm="tuned", merged=merged))
        manifest: dict[str, Any] = task.execute(context)
        return manifest

    return run


def training_tokens(train: bytes) -> int:
    """Estimate the tokens of a training file's texts."""
    family = load_catalog().families["nova"]
    records = [json.loads(line) for line in train.splitlines()]
    return sum(central_token_count("\n".join(record_texts(record, family).values())) for record in records)


class TestMerge:
    def test_originals_and_pairs_become_the_training_file(self, merge: Any, manifests: Any, store: MemoryStore) -> None:
        manifest = merge(manifests)
        train = store.read(manifest["train_uri"])
        expected = {
            "train_uri": FOLDER.merged("tuned", "train.jsonl"),
            "validation_uri": None,
            "card_uri": FOLDER.merged("tuned", "data_card.json"),
            "sha256": hashlib.sha256(train).hexdigest(),
            "tokens": training_tokens(train),
            "originals": ORIGINALS,
            "synthetic": 10,
            "records": 20,
            "validation": 0,
        }
        assert manifest.items() >= expected.items()
        assert len(read_jsonl(store, manifest["train_uri"], dict)) == 20
        assert len(json.dumps(manifest)) < 2048

    def test_the_data_card_lists_the_contents_and_the_licence_of_the_training_set(
        self, merge: Any, manifests: Any, store: MemoryStore
    ) -> None:
        card = read_json(store, merge(manifests)["card_uri"], dict)
        assert card["counts"] == {"originals": 10, "synthetic": 10, "records": 20, "validation": 0}
        assert card["licence"] == "CC BY-SA 4.0"
        assert "have the terms checked" in card["licence_note"]

    def test_a_second_attempt_writes_the_same_bytes(self, merge: Any, manifests: Any, store: MemoryStore) -> None:
        merge(manifests)
        first = dict(store.objects)
        merge(manifests)
        assert store.objects == first

    def test_pairs_that_repeat_another_rows_question_are_left_out(
        self, merge: Any, manifests: Any, store: MemoryStore
    ) -> None:
        repeated = synthetic_pair(7)
        write_jsonl(
            store,
            FOLDER.synthetic_repeated,
            [
                {
                    "row_id": repeated["row_id"],
                    "pair": 0,
                    "filter": "repeated",
                    "reason": "repeated",
                    "message": "The question repeats the question of another row.",
                    "text": {"question": repeated["question"], "answer": repeated["answer"], "topic": "t"},
                }
            ],
        )
        assert merge(manifests)["synthetic"] == 9
        assert repeated["question"] not in store.read(FOLDER.merged("tuned", "train.jsonl")).decode()

    def test_an_arm_without_pairs_needs_no_synthesis(self, merge: Any, store: MemoryStore, use_case: UseCase) -> None:
        freeze(store, use_case, arms=[BASE, {"name": "tuned", "synthetic": 0}])
        assert merge([])["synthetic"] == 0

    def test_shards_of_an_earlier_larger_ingestion_are_not_used(
        self, merge: Any, manifests: Any, store: MemoryStore
    ) -> None:
        write_jsonl(store, FOLDER.synthetic(2), [{**synthetic_pair(1), "question": "Stale?"}])
        assert merge(manifests)["synthetic"] == 10

    def test_the_arm_decides_how_many_originals_and_pairs_are_used(
        self, merge: Any, manifests: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, arms=[BASE, {"name": "tuned", "originals": 8, "synthetic": 3}])
        manifest = merge(manifests)
        assert (manifest["originals"], manifest["synthetic"], manifest["records"]) == (8, 3, 11)

    def test_too_few_records_for_the_family_are_refused_before_anything_is_bought(
        self, merge: Any, manifests: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, arms=[BASE, {"name": "tuned", "originals": 3, "synthetic": 0}])
        with pytest.raises(LimitError, match="8"):
            merge(manifests)

    def test_rows_for_validation_are_left_out_of_the_training_file(
        self, merge: Any, manifests: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, training={"validation_share": 0.3})
        manifest = merge(manifests)
        assert manifest["validation"] > 0
        assert manifest["originals"] + manifest["validation"] == ORIGINALS
        assert manifest["synthetic"] == manifest["originals"]
        assert len(read_jsonl(store, manifest["validation_uri"], dict)) == manifest["validation"]

    def test_validation_is_held_out_from_the_rows_that_are_left_for_training(
        self, merge: Any, manifests: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        """The draw for evaluation has already taken its documents, so the same draw would find none."""
        left, _ = split_by_document(
            [make_row(n) for n in range(1, 61)], share=0.3, seed=use_case.seed, purpose="evaluation"
        )
        write_jsonl(store, FOLDER.source("train"), left)
        freeze(store, use_case, training={"validation_share": 0.3})
        assert merge(manifests)["validation"] > 0


class TestUpload:
    def test_the_whole_training_set_is_stored_under_its_hash(
        self, merge: Any, upload: Any, manifests: Any, store: MemoryStore
    ) -> None:
        merged = merge(manifests)
        manifest = upload(merged)
        expected = {
            "train_uri": FOLDER.dataset(merged["sha256"], "train.jsonl"),
            "validation_uri": None,
            "sha256": merged["sha256"],
            "records": 20,
            "tokens": merged["tokens"],
            "uploaded": True,
        }
        assert manifest.items() >= expected.items()
        assert store.read(manifest["train_uri"]) == store.read(merged["train_uri"])
        assert store.exists(FOLDER.dataset(merged["sha256"], "data_card.json"))
        assert len(json.dumps(manifest)) < 2048

    def test_an_existing_training_set_is_not_written_again(
        self, merge: Any, upload: Any, manifests: Any, store: MemoryStore
    ) -> None:
        merged = merge(manifests)
        first = upload(merged)
        store.writes.clear()
        assert upload(merged) == {**first, "uploaded": False}
        assert store.writes == []

    def test_an_interrupted_upload_is_completed(
        self, merge: Any, upload: Any, manifests: Any, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        merged = merge(manifests)
        write, written = store.write, []

        def die_on_second(uri: str, body: bytes) -> None:
            written.append(uri)
            if len(written) == 2:
                raise KeyboardInterrupt
            write(uri, body)

        monkeypatch.setattr(store, "write", die_on_second)
        with pytest.raises(KeyboardInterrupt):
            upload(merged)
        monkeypatch.undo()
        assert upload(merged)["uploaded"]
        assert store.exists(FOLDER.dataset(merged["sha256"], "train.jsonl"))

    def test_a_validation_file_is_uploaded_too(
        self, merge: Any, upload: Any, manifests: Any, store: MemoryStore, use_case: UseCase
    ) -> None:
        freeze(store, use_case, training={"validation_share": 0.3})
        merged = merge(manifests)
        assert store.read(upload(merged)["validation_uri"]) == store.read(merged["validation_uri"])
