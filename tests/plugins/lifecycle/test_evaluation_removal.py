from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.lifecycle.evaluation_removal import delete_evaluation
from include.distill.managed_evaluation.ended_jobs import EndedEvaluationJobs
from include.distill.managed_evaluation.records import EndedEvaluationJob
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

ARN = "arn:evaluation-job/1"
JOB = EvaluationJob("job", ARN, "Stopped", CREATED, "s3://output/e/", "r", FOLDER.evaluation_dataset("0" * 64))
ENDED: EndedEvaluationJob = {
    "job_name": "job",
    "job_arn": ARN,
    "status": "Stopped",
    "message": None,
    "output_uri": "s3://output/e/",
}


@pytest.fixture
def jobs(store: MemoryStore, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> FakeEvaluationJobs:
    fake = FakeEvaluationJobs(store, bedrock)
    fake.jobs[ARN] = JOB
    monkeypatch.setattr("bedrock_distill.lifecycle.evaluation_removal.EvaluationJobs", lambda _: fake)
    return fake


def delete(bedrock: Any, store: Any) -> str | None:
    return delete_evaluation(bedrock, store, ARN)


def test_how_the_job_ended_is_recorded_where_the_next_run_looks(
    jobs: FakeEvaluationJobs, bedrock: FakeBedrock, store: MemoryStore
) -> None:
    assert delete(bedrock, store) is None
    assert jobs.jobs == {}
    assert EndedEvaluationJobs(store, FOLDER).find("job") == ENDED


def test_an_earlier_record_is_kept(jobs: FakeEvaluationJobs, bedrock: FakeBedrock, store: MemoryStore) -> None:
    earlier: EndedEvaluationJob = {**ENDED, "status": "Completed"}
    EndedEvaluationJobs(store, FOLDER).add(earlier)
    delete(bedrock, store)
    assert EndedEvaluationJobs(store, FOLDER).find("job") == earlier


def test_bedrocks_reason_is_returned(
    jobs: FakeEvaluationJobs, bedrock: FakeBedrock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "delete", lambda arns: dict.fromkeys(arns, "ConflictException: it runs"))
    assert delete(bedrock, store) == "ConflictException: it runs"


def test_a_job_that_is_gone_needs_no_record(jobs: FakeEvaluationJobs, bedrock: FakeBedrock, store: MemoryStore) -> None:
    jobs.jobs.clear()
    assert delete(bedrock, store) is None
    assert EndedEvaluationJobs(store, FOLDER).find("job") is None
