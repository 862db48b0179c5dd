from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from include.distill.config.arms import Arm
from include.distill.config.catalog import load_catalog
from include.distill.config.layout import RunFolder
from include.distill.core.errors import LimitError
from include.distill.core.storage import write_jsonl
from include.distill.training.document_set import write_document_set
from include.distill.training.training_set import TRAIN, VALIDATION
from tests.distill.conftest import make_row, make_use_case
from tests.fakes.memory_store import MemoryStore

FAMILY = load_catalog().document_families["titan-text-lite-documents"]
FOLDER = RunFolder("s3://bucket/distill/runs/run-1")
ROWS = [make_row(number) for number in range(1, 21)] + [make_row(99, document="Document 1 says 1.")]


def write(store: MemoryStore, *, originals: Any = "all", family: Any = FAMILY, share: float = 0.0) -> Any:
    write_jsonl(store, FOLDER.source("train"), ROWS)
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned", "originals": originals, "synthetic": 0}]
    training = {"method": "continued_pre_training", "validation_share": share}
    use_case = make_use_case(student="titan-text-lite", training=training, arms=arms)
    arm = Arm(name="tuned", originals=originals, synthetic=0)
    return write_document_set(arm, store=store, folder=FOLDER, use_case=use_case, family=family)


def inputs(store: MemoryStore, name: str) -> list[str]:
    body = store.objects.get(FOLDER.merged("tuned", name), b"")
    return [json.loads(line)["input"] for line in body.decode().splitlines()]


def test_the_file_has_the_documents_without_questions_and_answers(store: MemoryStore) -> None:
    written = write(store)
    assert inputs(store, TRAIN) == list(dict.fromkeys(row["document"] for row in ROWS))
    documents = {"distinct": 20, "repeated": 1, "split": 0}
    assert written.counts == {"originals": 21, "synthetic": 0, "records": 20, "validation": 0, "documents": documents}
    assert written.sha256 == hashlib.sha256(store.objects[FOLDER.merged("tuned", TRAIN)]).hexdigest()
    assert written.tokens > 0
    assert set(written.figures["distributions"]) == {"document_characters_originals"}


def test_an_arm_takes_only_its_own_originals(store: MemoryStore) -> None:
    assert write(store, originals=5).counts["originals"] == 5
    assert len(inputs(store, TRAIN)) == 5


def test_held_out_documents_are_in_the_validation_file_only(store: MemoryStore) -> None:
    written = write(store, share=0.3)
    train, validation = inputs(store, TRAIN), inputs(store, VALIDATION)
    assert validation
    assert not set(train) & set(validation)
    assert set(train) | set(validation) == {row["document"] for row in ROWS}
    assert written.counts["validation"] == len(validation)


def test_too_many_records_are_refused_before_anything_is_bought(store: MemoryStore) -> None:
    small = FAMILY.model_copy(update={"training_records": (1, 5)})
    with pytest.raises(LimitError, match="20 training records; at most 5 are allowed") as refused:
        write(store, family=small)
    assert "The training job was not bought." in str(refused.value)
    assert FOLDER.merged("tuned", TRAIN) not in store.objects


def test_a_file_that_is_too_large_is_refused(store: MemoryStore) -> None:
    with pytest.raises(LimitError, match="the limit is 50"):
        write(store, family=FAMILY.model_copy(update={"training_file_bytes": 50}))
