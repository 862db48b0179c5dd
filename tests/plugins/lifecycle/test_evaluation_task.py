from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.operators.evaluate import BedrockEvaluationJobOperator
from bedrock_distill.sensors.evaluation_job import BedrockEvaluationJobSensor
from include.distill.config.use_case import UseCase
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze


def submit() -> Any:
    return BedrockEvaluationJobOperator(task_id="g.submit", run_uri=RUN_URI, arm="tuned", evaluator="nova-pro")


def wait() -> Any:
    return BedrockEvaluationJobSensor(
        task_id="g.wait", run_uri=RUN_URI, submitted={}, poll_interval_seconds=1, timeout_seconds=1
    )


@pytest.mark.parametrize("make", [submit, wait])
def test_both_tasks_have_the_jobs_the_records_and_the_settings_of_evaluations(
    make: Any, equip: Any, store: MemoryStore, use_case: UseCase
) -> None:
    freeze(store, use_case, evaluations={"pointwise": {"evaluators": ["nova-pro"], "max_attempts": 7}})
    task = equip(make())
    assert type(task.jobs) is EvaluationJobs
    assert task.ended_jobs.ended_uri("job") == FOLDER.ended_evaluation("job")
    assert (task.settings.max_attempts, task.settings_key) == (7, "evaluations.pointwise")
