from __future__ import annotations

import dataclasses
import json

import pytest

from include.distill.batch.pending_jobs import BatchJobPlan, BatchOutcome, PendingBatchJobs
from include.distill.config.layout import RunFolder
from include.distill.core.formats import marked
from tests.fakes.memory_store import MemoryStore

PLAN = BatchJobPlan(
    name="job",
    step="synthesize",
    model="nova-micro",
    identity="us.amazon.nova-micro-v1:0",
    sha256="s" * 64,
    records=3,
    max_tokens=50,
    run_key="buyer",
    input_uri="s3://b/input.jsonl",
    output_uri="s3://o/batches/s/",
)


@pytest.fixture
def jobs(store: MemoryStore) -> PendingBatchJobs:
    return PendingBatchJobs(store, RunFolder("s3://b/p/runs/run-1"))


def test_a_job_is_pending_until_its_answers_are_stored(jobs: PendingBatchJobs) -> None:
    jobs.add(PLAN)
    assert list(jobs.all()) == [PLAN] == [jobs.find("job")]
    assert jobs.outcome("job") is None
    jobs.mark_collected(PLAN, BatchOutcome(3, 2, 1))
    assert list(jobs.all()) == []
    assert jobs.find("job") is None
    assert jobs.outcome("job") == BatchOutcome(3, 2, 1)


def test_another_run_finds_the_jobs_that_the_first_run_added(store: MemoryStore, jobs: PendingBatchJobs) -> None:
    jobs.add(PLAN)
    other_run = PendingBatchJobs(store, RunFolder("s3://b/p/runs/run-2"))
    assert other_run.find("job") == PLAN


def test_a_job_that_was_never_added_is_not_found(jobs: PendingBatchJobs) -> None:
    jobs.add(PLAN)
    assert (jobs.find("another"), jobs.outcome("another")) == (None, None)


def test_the_outcome_of_a_job_is_stored_before_the_note_of_the_job_is_deleted(
    store: MemoryStore, jobs: PendingBatchJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: str) -> None:
        raise KeyboardInterrupt

    jobs.add(PLAN)
    monkeypatch.setattr(store, "delete", killed)
    with pytest.raises(KeyboardInterrupt):
        jobs.mark_collected(PLAN, BatchOutcome(3, 2, 1))
    assert jobs.find("job") == PLAN
    assert jobs.outcome("job") == BatchOutcome(3, 2, 1)


def test_the_stored_note_of_a_job_has_every_field_of_its_plan(store: MemoryStore, jobs: PendingBatchJobs) -> None:
    jobs.add(PLAN)
    assert json.loads(store.objects["s3://b/p/batches/open/job.json"]) == marked(dataclasses.asdict(PLAN))
    assert list(PLAN.as_record()) == [field.name for field in dataclasses.fields(PLAN)]


def test_records_with_neither_an_answer_nor_an_error_are_unanswered() -> None:
    assert BatchOutcome(records=10, answered=6, errors=1).unanswered == 3
