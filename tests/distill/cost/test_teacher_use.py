from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.cost.job_price import JobTokens
from include.distill.cost.teacher_use import finished_job_tokens
from include.distill.text.token_count import central_token_count
from tests.fakes.memory_store import MemoryStore

OUTPUT = "s3://out/training/"
TRAINED: Any = {
    "job_arn": "arn:aws:bedrock:us-east-1:1:model-customization-job/amazon.nova/abc123",
    "output_uri": OUTPUT,
}
JOB = f"{OUTPUT}model-customization-job-abc123"
DATASET: Any = {"records": 100, "tokens": 6000, "teacher": {"input_tokens": 5000, "output_tokens": 1000}}
ESTIMATED = JobTokens(6000, (5000, 1000))
HEADER = "fileName,totalProcessedRecordCount,acceptedRecordCount,partiallyAcceptedRecordCount,rejectedRecordCount\n"


def put_report(store: MemoryStore, accepted: str) -> None:
    line = f"train.jsonl,100,{accepted},0,{0}\n"
    store.write(f"{JOB}/input_data_report/manifest.report.csv", f"{HEADER}{line}".encode())


def put_sample(store: MemoryStore, *answers: str) -> None:
    records = [
        {
            "schemaVersion": "bedrock-conversation-2024",
            "messages": [
                {"role": role, "content": [{"text": text}]} for role, text in (("user", "q"), ("assistant", answer))
            ],
        }
        for answer in answers
    ]
    store.write(f"{JOB}/synthetic_data/sample.jsonl", "".join(f"{json.dumps(one)}\n" for one in records).encode())


def measured(store: MemoryStore, dataset: Any = DATASET) -> tuple[JobTokens, list[str]]:
    notes: list[str] = []
    return finished_job_tokens(store, TRAINED, dataset, note=notes.append), notes


def test_without_reports_the_estimate_stays(store: MemoryStore) -> None:
    assert measured(store) == (ESTIMATED, [])


def test_a_job_without_a_teacher_has_the_tokens_of_its_training_set(store: MemoryStore) -> None:
    put_sample(store, "a long answer")
    assert measured(store, {"records": 100, "tokens": 6000}) == (JobTokens(6000), [])


def test_only_accepted_prompts_are_counted(store: MemoryStore) -> None:
    put_report(store, "50")
    assert measured(store) == (JobTokens(3000, (2500, 500)), [])


def test_the_sample_states_how_long_the_answers_are(store: MemoryStore) -> None:
    put_report(store, "100")
    put_sample(store, "One word.", "This answer has a few more words.")
    each = sum(map(central_token_count, ("One word.", "This answer has a few more words."))) / 2
    tokens, notes = measured(store)
    assert notes == []
    assert tokens == JobTokens(5000 + 100 * each, (5000, 100 * each))


def test_with_an_empty_sample_the_teacher_answered_nothing(store: MemoryStore) -> None:
    put_sample(store)
    assert measured(store) == (JobTokens(6000), [])


@pytest.mark.parametrize("accepted", ["many", ""])
def test_a_report_that_cannot_be_read_is_noted(store: MemoryStore, accepted: str) -> None:
    put_report(store, accepted)
    tokens, [note] = measured(store)
    assert tokens == ESTIMATED
    assert "manifest.report.csv does not state the number of accepted prompts" in note


@pytest.mark.parametrize("body", [b"", HEADER.encode(), b"{}\n", b"\xff\xfe"])
def test_a_report_without_a_row_is_noted(store: MemoryStore, body: bytes) -> None:
    store.write(f"{JOB}/input_data_report/manifest.report.csv", body)
    tokens, [note] = measured(store)
    assert tokens == ESTIMATED
    assert "does not state the number of accepted prompts" in note


@pytest.mark.parametrize("body", [b"{}\n", b"not JSON\n", b'{"schemaVersion": "bedrock-conversation-2024"}\n'])
def test_a_sample_that_cannot_be_read_is_noted(store: MemoryStore, body: bytes) -> None:
    store.write(f"{JOB}/synthetic_data/sample.jsonl", body)
    tokens, [note] = measured(store)
    assert tokens == ESTIMATED
    assert "sample.jsonl cannot be read" in note
