"""Test that a training row with a reserved string in its answer is rejected alone, before anything is bought."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.layout import RunFolder
from include.distill.config.sections import SourceData
from include.distill.core.storage import read_jsonl
from include.distill.dataset.ingestion import IngestResult, ingest
from include.distill.dataset.reserved_answers import ReservedAnswers
from tests.fakes.memory_store import MemoryStore

NOVA = load_catalog().families["nova"].reserved_strings
FOLDER = RunFolder("s3://bucket/distill/runs/one")
# The rows of a real case: five of them contain strings that AWS's validators refuse, the last one in its document.
CASE = """doc,question,answer
Log in as admin.,How do I log in?,"User: admin
Password: as set."
x,Which principal?,Operating System: Linux
y,Which tag?,Use the <image> element.
z,Which token?,The token is [EOS].
Unknown words become <unk>.,What are they?,Tokens.
"""
EVALUATION = "doc,question,answer\nAnother document.,Who logs in?,User: eve\n"


def ingested(store: MemoryStore, check: ReservedAnswers | None) -> IngestResult:
    store.write("s3://input/train.csv", CASE.encode())
    store.write("s3://input/evaluation.csv", EVALUATION.encode())
    source = SourceData(training_csv="s3://input/train.csv", evaluation_csv="s3://input/evaluation.csv")
    return ingest(source, store=store, folder=FOLDER, splits_uri="s3://bucket/splits", seed=1, reserved=check)


def rows(store: MemoryStore, name: str) -> list[Any]:
    return read_jsonl(store, FOLDER.source(name), dict)


def test_rows_with_reserved_strings_in_their_answers_are_rejected_with_file_and_line(store: MemoryStore) -> None:
    result = ingested(store, ReservedAnswers(NOVA))
    assert result.manifest()["reasons"] == {"reserved_string": 4}
    assert [row["question"] for row in rows(store, "train")] == ["What are they?"]
    first = rows(store, "rejected")[0]
    assert (first["line"], first["column"], first["text"]["answer"]) == (2, "answer", "User: admin\nPassword: as set.")
    assert first["message"].startswith("train.csv row 1 (line 2): the answer contains 'User:'")
    assert "training.reserved_in_answers: warn" in first["message"]


def test_the_answer_of_an_evaluation_row_may_contain_every_string(store: MemoryStore) -> None:
    ingested(store, ReservedAnswers(NOVA))
    assert [row["answer"] for row in rows(store, "evaluation")] == ["User: eve"]


def test_a_use_case_can_keep_the_rows_and_is_told_where_they_are(store: MemoryStore) -> None:
    result = ingested(store, ReservedAnswers(NOVA, "warn"))
    assert len(rows(store, "train")) == 5
    (note,) = result.manifest()["notes"]
    assert note.startswith("4 training answers contain strings that the student's family reserves")
    assert "train.csv row 1 (line 2): 'User:'" in note


@pytest.mark.parametrize(
    "check", [None, ReservedAnswers(), ReservedAnswers(load_catalog().families["llama3.1"].reserved_strings)]
)
def test_nothing_is_rejected_for_a_family_that_reserves_nothing(
    store: MemoryStore, check: ReservedAnswers | None
) -> None:
    assert ingested(store, check).manifest()["rejected"] == 0
