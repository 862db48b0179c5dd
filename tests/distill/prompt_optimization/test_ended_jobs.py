from __future__ import annotations

from include.distill.prompt_optimization.ended_jobs import EndedOptimizationJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER


def test_the_records_have_the_name_of_the_job_and_the_results_its_id(store: MemoryStore) -> None:
    ended = EndedOptimizationJobs(store, FOLDER)
    assert ended.ended_uri("job") == f"{FOLDER.root}/ended_optimizations/job.json"
    assert ended.missing_uri("job") == f"{FOLDER.root}/ended_optimizations/job.missing.json"
    assert ended.results_of(output_uri="s3://output/o/", name="job", arn="arn:kind/abc123") == "s3://output/o/abc123/"
