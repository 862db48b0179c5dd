"""Check how a job of any kind is stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.hooks.prompt_optimizations import OptimizationJob
from bedrock_distill.lifecycle.abandoned_named_jobs import stop_named_job
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.fake_named_jobs import FakeNamedJobs
from tests.fakes.fake_prompt_optimizations import FakePromptOptimizations
from tests.fakes.memory_store import MemoryStore

ARN = "arn:job"
EVALUATION = EvaluationJob("job", ARN, "InProgress", CREATED, "o", "r", "d")
OPTIMIZATION = OptimizationJob("job", ARN, "InProgress", CREATED, "o", "i", ("m",))


@pytest.fixture(params=[(FakeEvaluationJobs, EVALUATION), (FakePromptOptimizations, OPTIMIZATION)])
def jobs(request: pytest.FixtureRequest) -> FakeNamedJobs[Any, Any]:
    kind: Callable[..., FakeNamedJobs[Any, Any]] = request.param[0]
    fake = kind(MemoryStore(), FakeBedrock())
    fake.jobs[ARN] = request.param[1]
    return fake


def stop(jobs: Any, arn: str = ARN, at_most_usd: float | None = 1.5) -> str | None:
    return stop_named_job(jobs, arn, at_most_usd=at_most_usd, results="Its parts", submit="`a.submit`")


def test_a_running_job_is_stopped_and_the_message_says_what_is_billed(jobs: FakeNamedJobs[Any, Any]) -> None:
    message = stop(jobs)
    assert jobs.stopped == [ARN]
    assert message
    assert message.startswith(f"Stopped {jobs.jobs[ARN].noun} job because its task was marked as failed.")
    assert (
        "Its parts so far are billed, at most about $1.50 in all. To buy the next attempt, clear `a.submit`" in message
    )


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped", "Deleting"])
def test_a_job_that_has_ended_is_left_alone(jobs: FakeNamedJobs[Any, Any], status: str) -> None:
    jobs.put(ARN, status=status)
    assert stop(jobs, at_most_usd=None) is None
    assert jobs.stopped == []


def test_a_job_that_is_gone_is_not_stopped(jobs: FakeNamedJobs[Any, Any]) -> None:
    assert stop(jobs, "arn:other") is None
