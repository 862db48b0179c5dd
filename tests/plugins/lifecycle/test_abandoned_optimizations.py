"""Check how prompt optimization jobs that no task waits for are found."""

from __future__ import annotations

from types import SimpleNamespace

from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, FINAL_ATTEMPT, IN_PROGRESS
from bedrock_distill.lifecycle.abandoned_optimizations import abandoned_optimizations

SUBMIT, WAIT = "prompted.optimize.submit", "prompted.optimize.wait"


def test_only_marked_tasks_of_prompt_optimization_jobs_are_returned() -> None:
    states = {SUBMIT: "success", WAIT: "failed", "tuned.submit": "success", "judge_batch.wait": "failed"}
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: IN_PROGRESS if key == ATTEMPT_KEY else None)
    [job] = abandoned_optimizations(states, ti)
    assert (job.marked, job.submit, job.tags) == (WAIT, SUBMIT, {"arm": "prompted"})
    assert job.next_attempt == f"`{SUBMIT}`"


def test_a_task_that_airflow_may_have_failed_is_not_returned() -> None:
    states = {SUBMIT: "failed", WAIT: "upstream_failed"}
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: FINAL_ATTEMPT)
    assert list(abandoned_optimizations(states, ti)) == []
