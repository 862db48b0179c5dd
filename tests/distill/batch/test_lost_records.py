from __future__ import annotations

from collections.abc import Collection

import pytest

from include.distill.batch.lost_records import record_lost_answers
from include.distill.batch.pending_jobs import BatchJobPlan
from include.distill.core.storage import write_jsonl
from include.distill.inference.lost_calls import lost_call_records
from tests.fakes.memory_store import MemoryStore

LOST = "s3://b/p/runs/buyer/lost_calls/"
PLAN = BatchJobPlan("job", "judge", "nova-micro", "id", "s" * 64, 4, 50, "buyer", "s3://b/input.jsonl", "s3://o/s/")
WORDS = {"short": 1, "middle": 10, "long": 100, "longest": 1000}


@pytest.fixture
def asked(store: MemoryStore) -> MemoryStore:
    lines = [{"recordId": key, "modelInput": {"text": "word " * count}} for key, count in WORDS.items()]
    write_jsonl(store, PLAN.input_uri, lines)
    return store


@pytest.mark.parametrize(
    ("unreadable", "without_line", "missing", "recorded"),
    [
        pytest.param([], [], 0, [], id="none"),
        pytest.param(["short"], [], 0, ["short"], id="unreadable"),
        pytest.param([], ["short", "longest", "long"], 2, ["long", "longest"], id="the longest of the missing ones"),
        pytest.param(["longest"], ["short"], 9, ["longest", "short"], id="no more than are without a line"),
        pytest.param([], ["short"], -3, [], id="Bedrock gives no count"),
    ],
)
def test_each_billed_answer_that_cannot_be_used_is_recorded_once(
    asked: MemoryStore, unreadable: Collection[str], without_line: Collection[str], missing: int, recorded: list[str]
) -> None:
    for _ in range(2):  # the task is retried
        record_lost_answers(
            asked, PLAN, unreadable=unreadable, without_line=without_line, missing=missing, lost_calls_uri=LOST
        )
    assert sorted(record["key"] for record in lost_call_records(asked, LOST)) == recorded


def test_a_longer_question_costs_more(asked: MemoryStore) -> None:
    record_lost_answers(asked, PLAN, unreadable=WORDS, without_line=[], missing=0, lost_calls_uri=LOST)
    tokens = {record["key"]: record["input_tokens"] for record in lost_call_records(asked, LOST)}
    assert [tokens[key] for key in WORDS] == sorted(tokens.values())
    assert tokens["longest"] >= 1000
