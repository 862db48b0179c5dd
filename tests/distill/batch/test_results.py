from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.batch.input_files import build_input_files
from include.distill.batch.pending_jobs import BatchJobPlan, BatchOutcome
from include.distill.batch.results import collect
from include.distill.config.catalog import load_catalog
from include.distill.core.storage import read_jsonl
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.lost_calls import lost_call_records
from include.distill.inference.requests import ModelRequest
from tests.distill.conftest import make_request
from tests.fakes.memory_store import MemoryStore

ERRORS = "s3://b/errors.jsonl"
LOST = "s3://b/p/runs/buyer/lost_calls/"
PLAN = BatchJobPlan(
    "job", "synthesize", "nova-micro", "", "s" * 64, 3, 50, "buyer", "s3://b/input.jsonl", "s3://o/batches/s/"
)
OUTPUT = {
    "output": {"message": {"role": "assistant", "content": [{"text": "an answer"}]}},
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


def write_output(store: MemoryStore, *lines: Any, job: str = "id") -> None:
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    store.write(f"{PLAN.output_uri}{job}/input.jsonl.out", body)
    store.write(f"{PLAN.output_uri}{job}/manifest.json.out", b'{"totalRecordCount": 3}')


def collected(paid: AnswerStore, asked: list[ModelRequest], *, successes: int = 0) -> BatchOutcome:
    plan = BatchJobPlan(**{**PLAN.__dict__, "identity": asked[0].identity})
    return collect(
        plan,
        "id",
        answers=paid,
        errors_uri=ERRORS,
        lost_calls_uri=LOST,
        successes=successes,
        simulated=False,
        threads=2,
    )


def reasons(store: MemoryStore) -> list[str]:
    return sorted(error["reason"] for error in read_jsonl(store, ERRORS, dict))


def test_answers_in_any_order_are_stored_as_paid_by_the_run_that_bought_the_job(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
) -> None:
    write_output(store, *({"recordId": request.key, "modelOutput": OUTPUT} for request in reversed(asked)))
    assert collected(paid, asked) == BatchOutcome(3, answered=3, errors=0)
    stored = paid.find(asked[1])
    assert stored is not None
    assert (stored.completion.text, stored.completion.input_tokens) == ("an answer", 7)
    assert (stored.paid_by, stored.batch) == ("buyer", True)
    assert reasons(store) == []


def test_a_job_without_output_has_answered_no_request(paid: AnswerStore, asked: list[ModelRequest]) -> None:
    outcome = collected(paid, asked)
    assert (outcome.answered, outcome.unanswered) == (0, 3)


@pytest.mark.parametrize(
    ("bad", "reason", "errors"),
    [
        pytest.param({"error": {"errorCode": 400, "errorMessage": "no"}}, "400", 1, id="an error of Bedrock"),
        pytest.param({"error": "no"}, "no_answer", 1, id="an error in another format"),
        pytest.param({}, "no_answer", 1, id="neither answer nor error"),
        pytest.param({"modelOutput": {"output": "?"}}, "unreadable_answer", 1, id="an answer in another format"),
        pytest.param({"recordId": "other", "modelOutput": OUTPUT}, "unknown_record", 0, id="a record of another job"),
        pytest.param({"recordId": "../../x", "modelOutput": OUTPUT}, "unknown_record", 0, id="an id that is a path"),
    ],
)
def test_a_record_without_a_usable_answer_is_noted_with_its_reason_and_the_other_answers_are_stored(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest], bad: dict[str, Any], reason: str, errors: int
) -> None:
    write_output(store, {"recordId": asked[0].key, **bad}, {"recordId": asked[1].key, "modelOutput": OUTPUT})
    before = set(store.objects)
    assert collected(paid, asked) == BatchOutcome(3, answered=1, errors=errors)
    assert reasons(store) == [reason]
    lost = {uri for uri in store.objects if uri.startswith(LOST)}
    assert set(store.objects) - before - lost == {ERRORS, paid.uri(asked[1])}
    assert len(lost) == (reason == "unreadable_answer")


def test_a_line_that_was_cut_off_is_noted_with_its_reason(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
) -> None:
    write_output(store, {"recordId": asked[0].key, "modelOutput": OUTPUT}, b'{"recordId": "cut')
    assert collected(paid, asked).answered == 1
    assert reasons(store) == ["unreadable_line"]


def test_a_record_that_occurs_twice_counts_once(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
) -> None:
    write_output(store, *[{"recordId": asked[0].key, "modelOutput": OUTPUT}] * 2)
    assert collected(paid, asked) == BatchOutcome(3, answered=1, errors=0)


def test_the_files_of_another_job_are_not_read(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
) -> None:
    write_output(store, {"recordId": asked[0].key, "modelOutput": OUTPUT}, job="id2")
    assert collected(paid, asked).answered == 0


class TestLostAnswers:
    """Answers that were billed but cannot be used. Their requests are sent again, and the bill contains both."""

    def lost(self, store: MemoryStore) -> list[str]:
        return sorted(record["key"] for record in lost_call_records(store, LOST))

    def test_an_unreadable_answer_is_recorded_once_with_its_highest_possible_number_of_tokens(
        self, store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
    ) -> None:
        write_output(store, {"recordId": asked[0].key, "modelOutput": {"output": "?"}})
        for _ in range(2):  # the task is retried
            assert collected(paid, asked).errors == 1
        (record,) = lost_call_records(store, LOST)
        assert record["input_tokens"] >= asked[0].estimated_tokens[1]
        del record["input_tokens"]
        assert record == {
            "key": asked[0].key,
            "model": "nova-micro",
            "round": "batch job job",
            "output_tokens": 50,
            "batch": True,
        }

    def test_answers_that_are_missing_in_the_output_are_recorded_if_bedrock_counted_them(
        self, store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
    ) -> None:
        write_output(store, {"recordId": asked[0].key, "modelOutput": OUTPUT})
        collected(paid, asked, successes=3)
        assert self.lost(store) == sorted([asked[1].key, asked[2].key])

    def test_a_line_that_was_cut_off_is_recorded_as_one_answer(
        self, store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
    ) -> None:
        write_output(store, {"recordId": asked[0].key, "modelOutput": OUTPUT}, b'{"recordId": "cut')
        collected(paid, asked)
        assert len(self.lost(store)) == 1
        assert asked[0].key not in self.lost(store)

    @pytest.mark.parametrize("successes", [0, 1])
    def test_errors_and_records_that_were_not_processed_are_not_billed(
        self, store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest], successes: int
    ) -> None:
        error = {"errorCode": 500, "errorMessage": "no"}
        write_output(
            store, {"recordId": asked[0].key, "modelOutput": OUTPUT}, {"recordId": asked[1].key, "error": error}
        )
        collected(paid, asked, successes=successes)
        assert self.lost(store) == []


UNUSABLE_TEXTS = [
    pytest.param({"recordId": "\ud800"}, "unknown_record", id="in the id"),
    pytest.param({"error": {"errorCode": "\ud800", "errorMessage": "\ud800"}}, "\ufffd", id="in the error"),
    pytest.param({"error": {"errorCode": 400, "errorMessage": ""}}, "400", id="an error without a message"),
]


@pytest.mark.parametrize(("bad", "reason"), UNUSABLE_TEXTS)
def test_a_lone_surrogate_in_one_record_does_not_cost_the_answers_of_the_others(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest], bad: Any, reason: str
) -> None:
    first, *others = asked
    good = [{"recordId": request.key, "modelOutput": OUTPUT} for request in others]
    write_output(store, {"recordId": first.key, **bad}, *good)
    assert collected(paid, asked).answered == 2
    (error,) = read_jsonl(store, ERRORS, dict)
    assert (error["reason"], bool(error["message"])) == (reason, True)


def test_a_stop_reason_that_utf8_cannot_encode_is_stored(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest]
) -> None:
    write_output(store, {"recordId": asked[0].key, "modelOutput": {**OUTPUT, "stopReason": "\ud800"}})
    assert collected(paid, asked).answered == 1
    stored = paid.find(asked[0])
    assert stored is not None
    assert stored.completion.stop_reason == "\ufffd"


@pytest.mark.parametrize("tokens", [float("inf"), float("nan"), -1, "many"])
def test_an_answer_without_a_usable_number_of_tokens_is_an_error_of_its_record(
    store: MemoryStore, paid: AnswerStore, asked: list[ModelRequest], tokens: Any
) -> None:
    usage = {**OUTPUT["usage"], "inputTokens": tokens}  # type: ignore[dict-item]
    bad = {"recordId": asked[0].key, "modelOutput": {**OUTPUT, "usage": usage}}
    write_output(store, bad, {"recordId": asked[1].key, "modelOutput": OUTPUT})
    assert collected(paid, asked) == BatchOutcome(3, answered=1, errors=1)
    assert reasons(store) == ["unreadable_answer"]
