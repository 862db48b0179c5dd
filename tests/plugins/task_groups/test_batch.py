"""What ``inference: batch`` adds to a DAG, and that nothing is added without it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from dags.distill import distill_dag
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.use_case import UseCase

BATCH = ("submit", "wait", "collect")


def use_case(**inference: str) -> UseCase:
    raw = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment={}).model_dump(mode="json")
    for section, how in inference.items():
        raw[section]["inference"] = how
    return UseCase.model_validate(raw)


def tasks(**inference: str) -> dict[str, Any]:
    return {task.task_id: task for task in distill_dag(use_case(**inference)).tasks}


def test_on_demand_there_are_no_such_tasks() -> None:
    assert [task for task in tasks() if "_batch." in task] == []


def test_synthesis_goes_out_between_its_shards_and_its_mapped_task() -> None:
    found = tasks(synthesis="batch")
    assert "judge_batch.submit" not in found
    chain = ["shards", *(f"synthesize_batch.{name}" for name in BATCH), "synthesize"]
    for before, after in pairwise(chain):
        assert after in found[before].downstream_task_ids, f"{before} >> {after}"


def test_judging_goes_out_when_every_arm_has_answered() -> None:
    found = tasks(judging="batch")
    assert found["judge_batch.submit"].upstream_task_ids == {"base.answer", "tuned.answer"}
    assert found["judge_batch.collect"].downstream_task_ids == {"judge.claude-haiku-4-5", "judge.llama-3-3-70b"}


@pytest.mark.parametrize("step", ["synthesize", "judge"])
def test_the_wait_takes_no_worker_and_outlasts_bedrocks_own_time_out(step: str) -> None:
    found = tasks(synthesis="batch", judging="batch")
    wait = found[f"{step}_batch.wait"]
    assert wait.deferrable
    assert wait.retries == 3
    assert wait.timeout_seconds > use_case().batch.timeout_hours * 3600
    assert found[f"{step}_batch.submit"].step == step
