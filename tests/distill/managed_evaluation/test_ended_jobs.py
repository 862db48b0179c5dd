from __future__ import annotations

from include.distill.managed_evaluation.ended_jobs import EndedEvaluationJobs
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
