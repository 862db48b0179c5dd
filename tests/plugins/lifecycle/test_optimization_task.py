from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.hooks.prompt_optimizations import PromptOptimizationJobs
from bedrock_distill.operators.collect_prompt import BedrockCollectPromptOperator
from bedrock_distill.operators.optimize_prompt import BedrockSubmitPromptOptimizationOperator
from bedrock_distill.sensors.prompt_optimization import BedrockPromptOptimizationSensor
from include.distill.config.use_case import UseCase
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze


def tasks() -> list[Any]:
    return [
        BedrockSubmitPromptOptimizationOperator(task_id="a.optimize.submit", run_uri=RUN_URI, arm="prompted"),
        BedrockPromptOptimizationSensor(
            task_id="a.optimize.wait", run_uri=RUN_URI, submitted={}, poll_interval_seconds=1, timeout_seconds=1
        ),
        BedrockCollectPromptOperator(task_id="a.optimize.collect", run_uri=RUN_URI, submitted={}, result={}),
    ]


@pytest.mark.parametrize("number", range(3))
def test_all_tasks_have_the_jobs_the_records_and_the_settings_of_prompt_optimization(
    number: int, equip: Any, store: MemoryStore, use_case: UseCase
) -> None:
    freeze(store, use_case, prompt_optimization={"max_attempts": 7})
    task = equip(tasks()[number])
    assert type(task.jobs) is PromptOptimizationJobs
    assert task.ended_jobs.ended_uri("job") == FOLDER.ended_optimization("job")
    assert (task.settings.max_attempts, task.settings_key) == (7, "prompt_optimization")


def test_submit_and_collect_have_the_same_plan(equip: Any, store: MemoryStore, use_case: UseCase) -> None:
    freeze(store, use_case, prompt_optimization={"samples": 4})
    plans = [equip(task).plan_of("prompted") for task in tasks()[::2]]
    assert plans[0] == plans[1]
    assert (plans[0].arm, plans[0].samples) == ("prompted", 4)
