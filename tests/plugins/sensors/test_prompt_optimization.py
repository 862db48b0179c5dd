"""Check what is particular to the wait for a prompt optimization job. The rest is in ``test_named_job.py``."""

from __future__ import annotations

from typing import Any

from bedrock_distill.hooks.prompt_optimizations import OptimizationJob
from bedrock_distill.sensors.prompt_optimization import BedrockPromptOptimizationSensor
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_prompt_optimizations import FakePromptOptimizations
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import RUN_URI

SUBMITTED = {"job_name": "job", "job_arn": "arn:job/1", "arm": "prompted", "attempt": 1, "at_most_usd": 0.25}


def test_a_partially_completed_job_ends_the_wait_because_collect_reads_its_results(
    equip: Any, context: Any, store: MemoryStore, bedrock: FakeBedrock
) -> None:
    jobs = FakePromptOptimizations(store, bedrock)
    jobs.jobs["arn:job/1"] = OptimizationJob(
        "job", "arn:job/1", "PartiallyCompleted", CREATED, "s3://o/p/", "i", ("m",)
    )
    task = equip(
        BedrockPromptOptimizationSensor(
            task_id="prompted.optimize.wait",
            run_uri=RUN_URI,
            submitted=SUBMITTED,
            poll_interval_seconds=1,
            timeout_seconds=1,
        )
    )
    task.__dict__["jobs"] = jobs
    assert task.execute(context) == {
        "job_name": "job",
        "job_arn": "arn:job/1",
        "arm": "prompted",
        "status": "PartiallyCompleted",
        "output_uri": "s3://o/p/",
    }
