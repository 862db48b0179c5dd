"""Check the tasks that ``inference: batch`` adds to a DAG, and that ``on_demand`` adds none."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.plugins.task_groups.conftest import sample, tasks

BATCHES = {"inference": "batch"}


def test_a_step_that_works_on_demand_has_no_batch_tasks() -> None:
    assert [task for task in tasks() if "_batch." in task] == []


def test_batch_jobs_of_synthesis_come_between_its_shards_and_its_mapped_task() -> None:
    dag_tasks = tasks(synthesis=BATCHES)
    assert "judge_batch.submit" not in dag_tasks
    chain = ["shards", *(f"synthesize_batch.{name}" for name in ("submit", "wait", "collect")), "synthesize"]
    for before, after in pairwise(chain):
        assert after in dag_tasks[before].downstream_task_ids, f"{before} >> {after}"


def test_batch_jobs_of_the_judges_start_after_every_arm_has_answered() -> None:
    dag_tasks = tasks(judging=BATCHES)
    assert dag_tasks["judge_batch.submit"].upstream_task_ids == {"base.answer", "tuned.answer"}
    assert dag_tasks["judge_batch.collect"].downstream_task_ids == {"judge.claude-haiku-4-5", "judge.mistral-large-3"}


@pytest.mark.parametrize("step", ["synthesize", "judge"])
def test_the_wait_takes_no_worker_and_is_longer_than_the_time_out_of_the_job(step: str) -> None:
    dag_tasks = tasks(synthesis=BATCHES, judging=BATCHES)
    wait = dag_tasks[f"{step}_batch.wait"]
    assert wait.deferrable
    assert wait.retries == 3
    assert wait.timeout_seconds > sample().batch.timeout_hours * 3600
    assert dag_tasks[f"{step}_batch.submit"].step == step
