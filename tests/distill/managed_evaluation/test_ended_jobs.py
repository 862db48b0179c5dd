from __future__ import annotations

import datetime

from include.distill.managed_evaluation.ended_jobs import SHOWN_AFTER, EndedEvaluationJobs
from include.distill.managed_evaluation.records import EndedEvaluationJob
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER

ENDED: EndedEvaluationJob = {
    "job_name": "job",
    "job_arn": "arn:evaluation-job/1",
    "status": "Completed",
    "message": None,
    "output_uri": "s3://output/e/",
}


def test_the_end_of_a_job_is_found_by_the_name_of_the_job(store: MemoryStore) -> None:
    ended = EndedEvaluationJobs(store, FOLDER)
    assert ended.find("job") is None
    ended.add(ENDED)
    ended.add({**ENDED, "status": "Stopped"})
    assert ended.find("job") == {**ENDED, "status": "Stopped"}


def test_results_are_those_of_the_job_itself(store: MemoryStore) -> None:
    ended = EndedEvaluationJobs(store, FOLDER)
    store.write("s3://output/e/job-a2/1/result_output.jsonl", b"")
    assert not ended.has_results(output_uri="s3://output/e/", name="job")
    assert ended.has_results(output_uri="s3://output/e", name="job-a2")


def test_a_missing_job_is_missing_too_long_when_it_was_first_noted_long_ago(store: MemoryStore) -> None:
    ended, now = EndedEvaluationJobs(store, FOLDER), datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)
    ended.note_missing("job", None, now)
    ended.note_missing("job", "arn:evaluation-job/1", now + SHOWN_AFTER)
    assert ended.missing_too_long("job", now + SHOWN_AFTER / 2) is None
    assert ended.missing_too_long("other", now + SHOWN_AFTER) is None
    assert ended.missing_too_long("job", now + SHOWN_AFTER) == {
        "job_name": "job",
        "job_arn": None,
        "since": now.isoformat(),
    }
