from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.sensors.evaluation_job import BedrockEvaluationJobSensor
from bedrock_distill.triggers.evaluation import EvaluationJobTrigger
from include.distill.config.use_case import UseCase
from include.distill.core.errors import ContractError, JobFailedError, NotFoundError, WaitTimeoutError
from include.distill.managed_evaluation.ended_jobs import EndedEvaluationJobs
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

ARN = "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/job0"
SUBMITTED = {
    "job_name": "job",
    "job_arn": ARN,
    "arm": "tuned",
    "evaluator": "nova-pro",
    "fingerprint": "f",
    "attempt": 1,
    "bought": True,
    "at_most_usd": 0.25,
}
RESULT = {
    "job_name": "job",
    "job_arn": ARN,
    "arm": "tuned",
    "evaluator": "nova-pro",
    "status": "Completed",
    "output_uri": "s3://output/e/",
}


@pytest.fixture
def jobs(
    store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> FakeEvaluationJobs:
    freeze(store, use_case, evaluations={"pointwise": {"evaluators": ["nova-pro"]}})
    fake = FakeEvaluationJobs(store, bedrock)
    monkeypatch.setattr("bedrock_distill.sensors.evaluation_job.EvaluationJobs", lambda _: fake)
    return fake


@pytest.fixture
def sensor(equip: Any, jobs: FakeEvaluationJobs) -> Any:
    """Return a function that makes the sensor for a job with a status; without a status, there is no job."""

    def make(status: str | None, message: str | None = None, **changes: Any) -> BedrockEvaluationJobSensor:
        if status:
            jobs.jobs[ARN] = EvaluationJob("job", ARN, status, CREATED, "s3://output/e/", "r", "d", message=message)
        submitted = {**SUBMITTED, **changes.pop("submitted", {})}
        arguments = {"poll_interval_seconds": 0.01, "timeout_seconds": 60, **changes}
        task: BedrockEvaluationJobSensor = equip(
            BedrockEvaluationJobSensor(
                task_id="evaluate.tuned_by_nova-pro.wait", run_uri=RUN_URI, submitted=submitted, **arguments
            )
        )
        return task

    return make


def ended(store: MemoryStore) -> Any:
    return EndedEvaluationJobs(store, FOLDER).find("job")


def test_a_completed_job_ends_the_wait_and_its_end_is_recorded(sensor: Any, context: Any, store: MemoryStore) -> None:
    assert sensor("Completed").execute(context) == RESULT
    record = {"job_name": "job", "job_arn": ARN, "status": "Completed", "message": None, "output_uri": "s3://output/e/"}
    assert ended(store) == record


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_running_job_is_waited_for_in_the_triggerer(
    sensor: Any, context: Any, store: MemoryStore, status: str
) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        sensor(status, stop_when_marked_failed=False).execute(context)
    trigger = deferred.value.trigger
    assert isinstance(trigger, EvaluationJobTrigger)
    assert (trigger.name, trigger.at_most_usd, trigger.give_up_when_failed) == (ARN, 0.25, False)
    assert ended(store) is None


def test_the_trigger_alone_never_makes_the_task_succeed(sensor: Any, context: Any) -> None:
    """A trigger may fire although the job runs, for example because of a newer Airflow."""
    event = {"end": "ended", "message": "", "deadline": "2100-01-01T00:00:00+00:00"}
    with pytest.raises(TaskDeferred):
        sensor("InProgress").execute_complete(context, event)


@pytest.mark.parametrize("event", [None, {"end": "deadline", "message": "", "deadline": "2020-01-01T00:00:00+00:00"}])
def test_a_time_out_is_an_error_and_says_that_the_job_is_billed(sensor: Any, context: Any, event: Any) -> None:
    waiting = sensor("InProgress", deferrable=False, timeout_seconds=0.03)
    message = r"(?s)job has not ended.*was not stopped.*\$0\.25.*clear evaluate\.tuned_by_nova-pro\.wait"
    with pytest.raises(WaitTimeoutError, match=message):
        waiting.execute_complete(context, event) if event else waiting.execute(context)


@pytest.mark.parametrize(
    ("status", "message", "attempt", "advice"),
    [
        pytest.param("Stopped", None, 1, r"submit with downstream, which buys another job", id="stopped"),
        pytest.param("Deleting", None, 1, r"submit with downstream, which buys another job", id="being deleted"),
        pytest.param("Failed", "Access Denied", 1, r"not the data.*submit with downstream", id="access"),
        pytest.param("Failed", "Internal error", 1, r"submit with downstream", id="unknown"),
        pytest.param(
            "Failed",
            "Unable to parse Amazon S3 file: dataset.jsonl. Data files must conform to JSONL format.",
            1,
            r"same data would fail again.*clear preflight with downstream",
            id="data",
        ),
        pytest.param("Stopped", None, 3, r"attempt 3 of at most 3.*max_attempts.*clear preflight", id="last attempt"),
    ],
)
def test_a_job_without_results_is_an_error_with_bedrocks_reason(
    sensor: Any, context: Any, store: MemoryStore, status: str, message: str | None, attempt: int, advice: str
) -> None:
    with pytest.raises(JobFailedError, match=f"(?s)ended with status {status}.*{advice}"):
        sensor(status, message, submitted={"attempt": attempt}).execute(context)
    assert ended(store)["status"] == status
    assert ended(store)["message"] == message


def test_an_unknown_status_is_an_error(sensor: Any, context: Any) -> None:
    with pytest.raises(ContractError, match="'Paused'"):
        sensor("Paused").execute(context)


class TestDeletedJob:
    def test_a_job_that_nobody_saw_end_is_an_error(self, sensor: Any, context: Any, store: MemoryStore) -> None:
        message = r"(?s)does not exist any more.*submit with downstream, which buys another job"
        with pytest.raises(NotFoundError, match=message):
            sensor(None).execute(context)
        assert ended(store)["status"] == "Deleted"

    def test_a_job_that_completed_before_still_has_its_results(
        self, sensor: Any, context: Any, store: MemoryStore, jobs: FakeEvaluationJobs
    ) -> None:
        store.write("s3://output/e/job/job0/1_output.jsonl", b"")
        assert sensor("Completed").execute(context) == RESULT
        jobs.jobs.clear()
        assert sensor(None).execute(context) == RESULT

    def test_without_results_a_completed_job_is_an_error(
        self, sensor: Any, context: Any, jobs: FakeEvaluationJobs
    ) -> None:
        sensor("Completed").execute(context)
        jobs.jobs.clear()
        with pytest.raises(NotFoundError, match="has no results"):
            sensor(None).execute(context)
