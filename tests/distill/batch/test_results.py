"""What becomes of the lines that Bedrock writes, good and bad."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.batch.input_files import build_input_files
from include.distill.batch.open_jobs import BatchJobPlan, BatchOutcome, PendingBatchJobs
from include.distill.batch.results import collect
from include.distill.config.catalog import load_catalog
from include.distill.config.layout import RunFolder
from include.distill.core.storage import read_jsonl
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import ModelRequest
from tests.distill.conftest import make_request
from tests.fakes.memory_store import MemoryStore

ERRORS = "s3://b/errors.jsonl"
PLAN = BatchJobPlan(
    "job", "synthesize", "nova-micro", "", "s" * 64, 3, 50, "buyer", "s3://b/input.jsonl", "s3://o/batches/s/"
)
SAID = {
    "output": {"message": {"role": "assistant", "content": [{"text": "said"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10},
}


@pytest.fixture
def asked(store: MemoryStore) -> list[ModelRequest]:
    limits = load_catalog().model("nova-micro").batch
    assert limits is not None
    requests = [make_request("nova-micro", user=f"question {number}") for number in range(3)]
    for file in build_input_files(requests, limits):
        file.store(store, PLAN.input_uri)
    return requests


def written(store: MemoryStore, *lines: Any, job: str = "id") -> None:
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    store.write(f"{PLAN.output_uri}{job}/input.jsonl.out", body)
    store.write(f"{PLAN.output_uri}{job}/manifest.json.out", b'{"totalRecordCount": 3}')


def landed(paid: AnswerStore, asked: list[ModelRequest]) -> BatchOutcome:
    plan = BatchJobPlan(**{**PLAN.__dict__, "identity": asked[0].identity})
    return collect(plan, "id", answers=paid, errors_uri=ERRORS, simulated=False, threads=2)


def reasons(store: MemoryStore) -> list[str]:
    return sorted(error["reason"] for error in read_jsonl(store, ERRORS))


def test_answers_in_any_order_are_stored_for_the_run_that_bought_them(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
) -> None:
    written(store, *({"recordId": request.key, "modelOutput": SAID} for request in reversed(asked)))
    assert landed(paid, asked) == BatchOutcome(3, answered=3, errors=0)
    found = paid.find(asked[1])
    assert found is not None
    assert (found.completion.text, found.completion.input_tokens, found.paid_by, found.batch) == (
        *("said", 7, "buyer", True),
    )
    assert reasons(store) == []


def test_a_job_that_wrote_nothing_answered_nothing(paid: AnswerStore, asked: list[ModelRequest]) -> None:
    found = landed(paid, asked)
    assert (found.answered, found.unanswered) == (0, 3)


@pytest.mark.parametrize(
    ("bad", "reason", "errors"),
    [
        pytest.param({"error": {"errorCode": 400, "errorMessage": "no"}}, "400", 1, id="an error of Bedrock's"),
        pytest.param({"error": "no"}, "no_answer", 1, id="an error in other words"),
        pytest.param({}, "no_answer", 1, id="neither answer nor error"),
        pytest.param({"modelOutput": {"output": "?"}}, "unreadable_answer", 1, id="an answer of another shape"),
        pytest.param({"recordId": "other", "modelOutput": SAID}, "unknown_record", 0, id="never asked"),
        pytest.param({"recordId": "../../x", "modelOutput": SAID}, "unknown_record", 0, id="leads elsewhere"),
    ],
)
def test_what_cannot_be_stored_is_kept_with_its_reason_and_harms_no_other(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest], bad: dict[str, Any], reason: str, errors: int
) -> None:
    written(store, {"recordId": asked[0].key, **bad}, {"recordId": asked[1].key, "modelOutput": SAID})
    before = set(store.objects)
    assert landed(paid, asked) == BatchOutcome(3, answered=1, errors=errors)
    assert reasons(store) == [reason]
    assert set(store.objects) - before == {ERRORS, paid.uri(asked[1])}


def test_a_line_that_was_cut_is_kept_with_its_reason(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
) -> None:
    written(store, {"recordId": asked[0].key, "modelOutput": SAID}, b'{"recordId": "cut')
    assert landed(paid, asked).answered == 1
    assert reasons(store) == ["unreadable_line"]


def test_a_record_that_comes_twice_counts_once(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
) -> None:
    written(store, *[{"recordId": asked[0].key, "modelOutput": SAID}] * 2)
    assert landed(paid, asked) == BatchOutcome(3, answered=1, errors=0)


def test_another_jobs_files_beside_are_not_read(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
) -> None:
    written(store, {"recordId": asked[0].key, "modelOutput": SAID}, job="id2")
    assert landed(paid, asked).answered == 0


def test_a_job_is_noted_until_its_answers_are_stored(store: MemoryStore) -> None:
    batches = PendingBatchJobs(store, RunFolder("s3://b/p/runs/run-1"))
    batches.add(PLAN)
    assert list(batches.all()) == [PLAN] == [batches.find("job")]
    assert batches.outcome("job") is None
    batches.mark_collected(PLAN, BatchOutcome(3, 2, 1))
    assert list(batches.all()) == []
    assert batches.find("job") is None
    assert batches.outcome("job") == BatchOutcome(3, 2, 1)
