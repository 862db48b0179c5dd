from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.hooks.batch_jobs import BatchJob
from bedrock_distill.triggers.batch import BatchJobsTrigger, running_jobs
from include.distill.core.errors import ContractError
from tests.fakes.fake_batch_jobs import FakeBatchJobs
from tests.fakes.memory_store import MemoryStore

HOOK: Any = object()  # the fake jobs do not use the hook


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> FakeBatchJobs:
    """Three jobs, of which only the second is running."""
    fake = FakeBatchJobs(MemoryStore())
    for name, status in (("a", "Completed"), ("b", "InProgress"), ("c", "Failed")):
        fake.jobs[f"arn:{name}"] = BatchJob(name, f"arn:{name}", status, processed=7, total=120)
    monkeypatch.setattr("bedrock_distill.triggers.batch.BatchJobs", lambda _: fake)
    return fake


@pytest.fixture
def trigger(batches: FakeBatchJobs) -> BatchJobsTrigger:
    return BatchJobsTrigger(
        name="3 batch jobs",
        job_arns=list(batches.jobs),
        deadline="2100-01-01T00:00:00+00:00",
        poll_interval_seconds=1,
        aws_conn_id="aws_default",
        region_name="eu-west-1",
        give_up_when_failed=False,
    )


def test_the_triggerer_makes_the_same_trigger_from_the_stored_arguments(trigger: BatchJobsTrigger) -> None:
    path, arguments = trigger.serialize()
    assert path == "bedrock_distill.triggers.batch.BatchJobsTrigger"
    assert BatchJobsTrigger(**arguments).serialize() == (path, arguments)
    assert arguments["job_arns"] == ["arn:a", "arn:b", "arn:c"]
    assert arguments["region_name"] == "eu-west-1"
    assert arguments["give_up_when_failed"] is False


def test_only_jobs_that_have_not_ended_are_running(batches: FakeBatchJobs) -> None:
    assert [job.name for job in running_jobs(HOOK, list(batches.jobs))] == ["b"]
    assert running_jobs(HOOK, []) == []


def test_the_wait_ends_with_the_last_job(trigger: BatchJobsTrigger, batches: FakeBatchJobs) -> None:
    assert trigger.has_ended(HOOK) is False
    batches.put("arn:b", status="Stopped")
    assert trigger.has_ended(HOOK) is True


def test_only_jobs_for_which_no_other_run_waits_are_stopped(trigger: BatchJobsTrigger, batches: FakeBatchJobs) -> None:
    assert trigger.jobs_of_run() == ["arn:a", "arn:b", "arn:c"]
    trigger.awaited = {"arn:b": "backfill"}
    trigger.give_up(HOOK)
    assert batches.stopped == []
    trigger.awaited = {}
    trigger.give_up(HOOK)
    assert batches.stopped == ["arn:b"]


def test_an_unknown_status_does_not_count_as_ended(trigger: BatchJobsTrigger, batches: FakeBatchJobs) -> None:
    batches.put("arn:b", status="Paused")
    with pytest.raises(ContractError, match="'Paused'"):
        trigger.has_ended(HOOK)


def test_giving_up_stops_running_jobs_and_logs_what_is_billed(
    trigger: BatchJobsTrigger, batches: FakeBatchJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    trigger.give_up(HOOK)
    assert batches.stopped == ["arn:b"]
    printed = capsys.readouterr().out
    assert "Stopped b" in printed
    assert "7 of 120 records" in printed
