"""A job for which another run waits is found, so that nobody stops it under that run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.lifecycle.other_runs import asked_of, awaited_jobs, not_stopped

JOB = {"job_name": "job", "job_arn": "arn:job"}


def awaited(submit: str | None, wait: str | None, result: Any = JOB) -> dict[str, str]:
    states = {
        "own": {"tuned.submit": "success", "tuned.trained": "failed"},
        "backfill": {"tuned.submit": submit, "tuned.trained": wait},
    }
    return awaited_jobs("tuned.trained", "own", states, lambda task, run: result if run == "backfill" else JOB)


@pytest.mark.parametrize("wait", ["deferred", "running", "up_for_retry", "scheduled", None])
def test_a_job_for_which_another_run_waits_is_found_by_its_name_and_its_arn(wait: str | None) -> None:
    assert awaited("success", wait) == {"job": "backfill", "arn:job": "backfill"}


@pytest.mark.parametrize(
    ("submit", "wait"),
    [("success", "success"), ("success", "failed"), ("success", "skipped"), ("failed", None), ("running", None)],
)
def test_a_run_that_does_not_wait_is_not_found(submit: str, wait: str | None) -> None:
    """A task ``submit`` that still runs looks for the job itself, and buys the next attempt if the job was stopped."""
    assert awaited(submit, wait) == {}


def test_the_jobs_of_a_batch_are_found_by_their_arns() -> None:
    assert awaited("success", "deferred", {"job_arns": ["arn:a", "arn:b"]}) == {
        "arn:a": "backfill",
        "arn:b": "backfill",
    }


def test_a_run_whose_result_is_missing_waits_for_nothing() -> None:
    assert awaited("success", "deferred", None) == {}


def test_airflow_is_asked_about_all_runs_of_the_dag() -> None:
    asked: list[Any] = []

    def get_task_states(**about: Any) -> Any:
        asked.append(about)
        return {"other": {"submit": "success", "wait": "deferred"}}

    ti = SimpleNamespace(
        dag_id="d",
        run_id="own",
        get_task_states=get_task_states,
        xcom_pull=lambda task_ids, run_id: {"job_arn": run_id},
    )
    assert asked_of("wait", ti) == {"other": "other"}
    assert asked == [{"dag_id": "d", "task_ids": ["submit", "wait"]}]


def test_the_message_names_the_run_that_waits() -> None:
    assert "the run backfill-1 waits for it" in not_stopped("Job a", "backfill-1")
