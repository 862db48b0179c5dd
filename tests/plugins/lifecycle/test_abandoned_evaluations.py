"""Check how evaluation jobs that no task waits for are found and stopped."""

from __future__ import annotations

from types import SimpleNamespace

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.lifecycle.abandoned_evaluations import (
    abandoned_evaluations,
    stop_workers_job,
)
from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, IN_PROGRESS
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore

GROUP = "evaluate.tuned_by_nova-pro"
TAGS = {"arm": "tuned", "evaluator": "nova-pro"}
JOB = EvaluationJob("job", "arn:job", "InProgress", CREATED, "o", "r", "d")


def test_only_groups_of_evaluation_jobs_are_returned_with_the_task_that_was_marked() -> None:
    states = {f"{GROUP}.submit": "success", f"{GROUP}.wait": "failed", "judge_batch.wait": "failed"}
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: IN_PROGRESS if key == ATTEMPT_KEY else None)
    [job] = abandoned_evaluations(states, ti)
    assert (job.marked, job.submit, job.tags) == (f"{GROUP}.wait", f"{GROUP}.submit", TAGS)


def test_the_message_about_a_job_of_human_workers_is_about_their_answers() -> None:
    jobs = FakeEvaluationJobs(MemoryStore(), FakeBedrock())
    jobs.jobs[JOB.arn] = JOB
    message = stop_workers_job(jobs, JOB.arn, at_most_usd=1.5)  # type: ignore[arg-type]
    assert jobs.stopped == [JOB.arn]
    assert message
    assert "The workers' answers so far are billed, at most about $1.50 in all." in message
    assert "clear `workers.submit` with downstream" in message
    assert "scores" not in message
