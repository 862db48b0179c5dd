from __future__ import annotations

from include.distill.managed_evaluation.ended_jobs import EndedEvaluationJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER


def test_the_records_and_the_results_have_the_name_of_the_job(store: MemoryStore) -> None:
    ended = EndedEvaluationJobs(store, FOLDER)
    assert ended.ended_uri("job") == f"{FOLDER.root}/ended_evaluations/job.json"
    assert ended.missing_uri("job") == f"{FOLDER.root}/ended_evaluations/job.missing.json"
    assert ended.results_of(output_uri="s3://output/e/", name="job", arn="arn:evaluation-job/1") == "s3://output/e/job/"
