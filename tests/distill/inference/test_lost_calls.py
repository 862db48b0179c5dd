from __future__ import annotations

import dataclasses
import threading

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.core.errors import FAILED_TASK, PossiblyBilledError
from include.distill.inference.lost_calls import MAX_SENT, LostCalls, lost_call_records
from include.distill.inference.requests import ModelRequest
from tests.fakes.memory_store import MemoryStore

TEACHER = load_catalog().model("claude-haiku-4-5")
FOLDER = "s3://b/p/runs/r/lost_calls/"
REQUEST = ModelRequest(TEACHER, TEACHER.inference_id, TEACHER.inference_id, "Write three pairs.", 2000)


def lost(store: MemoryStore, task: str = "synthesize 0", max_tries: int = 2) -> LostCalls:
    return LostCalls(store, FOLDER, task, max_tries)


def test_a_lost_call_is_stored_with_the_highest_possible_number_of_tokens() -> None:
    store = MemoryStore()
    lost(store).add(REQUEST)
    (record,) = lost_call_records(store, FOLDER)
    assert record == {
        "key": REQUEST.key,
        "model": "claude-haiku-4-5",
        "round": "synthesize 0 2",
        "input_tokens": REQUEST.estimated_tokens[1],
        "output_tokens": 2000,
    }
    assert record["input_tokens"] >= 4


def test_a_lost_call_to_a_deployment_is_marked_because_it_has_another_price() -> None:
    store = MemoryStore()
    arn = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abc123def456"
    lost(store).add(dataclasses.replace(REQUEST, invoke_id=arn))
    assert [record["deployed"] for record in lost_call_records(store, FOLDER)] == [True]


def test_the_record_does_not_contain_the_text_of_the_request() -> None:
    store = MemoryStore()
    lost(store).add(REQUEST)
    (uri,) = store.list(FOLDER)
    assert b"pairs" not in store.read(uri)


def test_a_request_may_be_sent_twice_in_all_attempts_of_a_task() -> None:
    store = MemoryStore()
    for _ in range(MAX_SENT):
        attempt = lost(store)  # each attempt of the task reads what earlier attempts stored
        attempt.require_attempt_left(REQUEST)
        attempt.add(REQUEST)
    with pytest.raises(PossiblyBilledError, match=r"sent 2 times.*may bill.*AWS Health") as raised:
        lost(store).require_attempt_left(REQUEST)
    assert (raised.value.then_clear, raised.value.effect) == (FAILED_TASK, "sends the request again")


def test_two_calls_of_one_attempt_are_two_records() -> None:
    store = MemoryStore()
    attempt = lost(store)
    attempt.add(REQUEST)
    attempt.add(REQUEST)
    assert len(list(lost_call_records(store, FOLDER))) == 2
    with pytest.raises(PossiblyBilledError):
        attempt.require_attempt_left(REQUEST)


def test_other_requests_tasks_and_rounds_are_not_limited() -> None:
    store = MemoryStore()
    for _ in range(MAX_SENT):
        lost(store).add(REQUEST)
    lost(store).require_attempt_left(dataclasses.replace(REQUEST, sample=1))
    lost(store, "synthesize 1").require_attempt_left(REQUEST)
    lost(store, max_tries=5).require_attempt_left(REQUEST)


def test_the_calls_of_a_task_before_it_was_cleared_are_still_paid_for() -> None:
    store = MemoryStore()
    lost(store).add(REQUEST)
    lost(store, max_tries=5).add(REQUEST)
    rounds = [record["round"] for record in lost(store, max_tries=8).earlier(REQUEST)]
    assert sorted(rounds) == ["synthesize 0 2", "synthesize 0 5"]
    assert lost(store, "synthesize 1").earlier(REQUEST) == []


def test_a_slow_listing_does_not_count_a_new_call_twice() -> None:
    """One thread lists the records while another thread loses its first call."""
    first_call_is_lost = threading.Event()

    class SlowStore(MemoryStore):
        def list(self, prefix_uri: str) -> list[str]:
            first_call_is_lost.wait(timeout=0.2)
            return super().list(prefix_uri)

    calls = lost(SlowStore())
    slow = threading.Thread(target=calls.require_attempt_left, args=[dataclasses.replace(REQUEST, sample=1)])
    slow.start()
    calls.require_attempt_left(REQUEST)
    calls.add(REQUEST)
    first_call_is_lost.set()
    slow.join(timeout=5)
    assert calls.count(REQUEST) == 1
