"""Check the records of how jobs ended, for each kind of jobs."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from include.distill.core.ended_jobs import SHOWN_AFTER, EndedJob, EndedJobs
from include.distill.managed_evaluation.ended_jobs import EndedEvaluationJobs
from include.distill.prompt_optimization.ended_jobs import EndedOptimizationJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

ENDED: EndedJob = {
    "job_name": "job",
    "job_arn": "arn:evaluation-job/1",
    "status": "Completed",
    "message": None,
    "output_uri": "s3://output/e/",
}


@pytest.fixture(params=[EndedEvaluationJobs, EndedOptimizationJobs])
def ended(request: pytest.FixtureRequest, store: MemoryStore) -> EndedJobs:
    kind: Callable[..., EndedJobs] = request.param
    return kind(store, FOLDER)


def test_the_end_of_a_job_is_found_by_the_name_of_the_job(ended: EndedJobs) -> None:
    assert ended.find("job") is None
    ended.add(ENDED)
    ended.add({**ENDED, "status": "Stopped"})
    assert ended.find("job") == {**ENDED, "status": "Stopped"}


def test_each_kind_of_jobs_has_its_own_records(store: MemoryStore) -> None:
    EndedEvaluationJobs(store, FOLDER).add(ENDED)
    assert EndedOptimizationJobs(store, FOLDER).find("job") is None


def test_results_are_those_of_the_job_itself(ended: EndedJobs, store: MemoryStore) -> None:
    own = ended.results_of(output_uri="s3://output/e/", name="job-a2", arn="arn:kind/2")
    store.write(f"{own}output.jsonl", b"")
    assert not ended.has_results(output_uri="s3://output/e/", name="job", arn="arn:kind/1")
    assert ended.has_results(output_uri="s3://output/e", name="job-a2", arn="arn:kind/2")


def test_a_missing_job_is_missing_too_long_when_it_was_first_noted_long_ago(ended: EndedJobs) -> None:
    now = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)
    ended.note_missing("job", None, now)
    ended.note_missing("job", "arn:evaluation-job/1", now + SHOWN_AFTER)
    assert ended.missing_too_long("job", now + SHOWN_AFTER / 2) is None
    assert ended.missing_too_long("other", now + SHOWN_AFTER) is None
    assert ended.missing_too_long("job", now + SHOWN_AFTER) == {
        "job_name": "job",
        "job_arn": None,
        "since": now.isoformat(),
    }
