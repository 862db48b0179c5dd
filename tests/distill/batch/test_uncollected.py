from __future__ import annotations

import json

import pytest

from include.distill.batch.lost_records import input_tokens
from include.distill.batch.pending_jobs import BatchJobPlan
from include.distill.batch.uncollected import BatchTokens, uncollected_tokens
from include.distill.core.storage import write_jsonl
from tests.fakes.memory_store import MemoryStore

PLAN = BatchJobPlan(
    name="job",
    step="judge",
    model="claude-haiku-4-5",
    identity="id",
    sha256="f" * 64,
    records=4,
    max_tokens=50,
    run_key="run",
    input_uri="s3://bucket/batches/f/input.jsonl",
    output_uri="s3://bucket/batches/f/",
)
SUMMARY = "s3://bucket/batches/f/job7/manifest.json.out"
COUNTS = {"inputTokenCount": 900, "outputTokenCount": 80}


@pytest.fixture
def store() -> MemoryStore:
    """The input of a job with four requests of different lengths."""
    store = MemoryStore()
    lines = [{"recordId": str(n), "modelInput": {"text": "words " * 10 * n}} for n in (1, 4, 2, 3)]
    write_jsonl(store, PLAN.input_uri, lines)
    return store


def test_the_summary_of_an_ended_job_states_the_exact_numbers(store: MemoryStore) -> None:
    store.write(SUMMARY, json.dumps({**COUNTS, "totalRecordCount": 4}).encode())
    assert uncollected_tokens(store, PLAN, "job7", answered=2) == BatchTokens(900, 80, exact=True)


@pytest.mark.parametrize("summary", [None, b"{", b"[]", json.dumps({"totalRecordCount": 4}).encode()])
def test_without_a_summary_the_longest_requests_count_with_the_longest_answers(
    store: MemoryStore, summary: bytes | None
) -> None:
    if summary is not None:
        store.write(SUMMARY, summary)
    tokens = input_tokens(store, PLAN)
    expected = BatchTokens(tokens["4"] + tokens["3"], 100, exact=False)
    assert uncollected_tokens(store, PLAN, "job7", answered=2) == expected


def test_a_running_job_may_still_answer_every_request(store: MemoryStore) -> None:
    store.write(SUMMARY, json.dumps(COUNTS).encode())
    expected = BatchTokens(sum(input_tokens(store, PLAN).values()), 200, exact=False)
    assert uncollected_tokens(store, PLAN, "job7", answered=None) == expected


def test_a_job_that_answered_nothing_costs_nothing_and_its_input_is_not_read() -> None:
    assert uncollected_tokens(MemoryStore(), PLAN, "job7", answered=0) == BatchTokens(0, 0, exact=True)
