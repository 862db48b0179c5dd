from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.triggers.evaluation import EvaluationJobTrigger
from include.distill.core.errors import ContractError
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore

HOOK: Any = object()  # the fake jobs do not use the hook
ARN = "arn:job"


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> FakeEvaluationJobs:
    fake = FakeEvaluationJobs(MemoryStore(), FakeBedrock())
    fake.jobs[ARN] = EvaluationJob("job", ARN, "InProgress", CREATED, "o", "r", "d")
    monkeypatch.setattr("bedrock_distill.triggers.evaluation.EvaluationJobs", lambda _: fake)
    return fake


@pytest.fixture
def trigger(jobs: FakeEvaluationJobs) -> EvaluationJobTrigger:
    return EvaluationJobTrigger(
        name=ARN,
        deadline="2100-01-01T00:00:00+00:00",
        poll_interval_seconds=1,
        aws_conn_id="aws_default",
        region_name="eu-west-1",
        give_up_when_failed=False,
        at_most_usd=0.25,
    )


def test_the_triggerer_makes_the_same_trigger_from_the_stored_arguments(trigger: EvaluationJobTrigger) -> None:
    path, arguments = trigger.serialize()
    assert path == "bedrock_distill.triggers.evaluation.EvaluationJobTrigger"
    assert EvaluationJobTrigger(**arguments).serialize() == (path, arguments)
    assert (arguments["name"], arguments["at_most_usd"], arguments["region_name"]) == (ARN, 0.25, "eu-west-1")
    assert arguments["give_up_when_failed"] is False


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("InProgress", False),
        ("Stopping", False),
        ("Completed", True),
        ("Failed", True),
        ("Stopped", True),
        ("Deleting", True),
    ],
)
def test_the_wait_ends_with_the_job(
    trigger: EvaluationJobTrigger, jobs: FakeEvaluationJobs, status: str, ended: bool
) -> None:
    jobs.put(ARN, status=status)
    assert trigger.has_ended(HOOK) is ended
    assert f"Evaluation job job is {status}" in trigger.checks.status


def test_the_wait_ends_if_the_job_was_deleted(trigger: EvaluationJobTrigger, jobs: FakeEvaluationJobs) -> None:
    jobs.jobs.clear()
    assert trigger.has_ended(HOOK) is True


def test_an_unknown_status_does_not_count_as_ended(trigger: EvaluationJobTrigger, jobs: FakeEvaluationJobs) -> None:
    jobs.put(ARN, status="Paused")
    with pytest.raises(ContractError, match="'Paused'"):
        trigger.has_ended(HOOK)


def test_giving_up_stops_the_job_and_logs_what_is_billed(
    trigger: EvaluationJobTrigger, jobs: FakeEvaluationJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    trigger.give_up(HOOK)
    assert jobs.stopped == [ARN]
    assert "scores so far are billed, at most about $0.25 in all" in capsys.readouterr().out


def test_giving_up_leaves_a_job_that_has_ended_alone(trigger: EvaluationJobTrigger, jobs: FakeEvaluationJobs) -> None:
    jobs.put(ARN, status="Completed")
    trigger.give_up(HOOK)
    assert jobs.stopped == []


def test_the_cost_is_the_scores_so_far(trigger: EvaluationJobTrigger) -> None:
    assert trigger.cost_so_far(60) == "the scores so far, at most about $0.25 in all"
