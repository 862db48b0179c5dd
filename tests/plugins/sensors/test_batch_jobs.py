from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.hooks.batch_jobs import BatchJob
from bedrock_distill.sensors.batch_jobs import BedrockBatchSensor
from bedrock_distill.triggers.batch import BatchJobsTrigger
from include.distill.core.errors import NotFoundError, WaitTimeoutError
from tests.fakes.fake_batch_jobs import FakeBatchJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import RUN_URI


@pytest.fixture
def batches(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> FakeBatchJobs:
    fake = FakeBatchJobs(store)
    monkeypatch.setattr("bedrock_distill.triggers.batch.BatchJobs", lambda _: fake)
    return fake


@pytest.fixture
def sensor(equip: Any, batches: FakeBatchJobs) -> Any:
    """Return a function that makes the sensor for jobs with the given statuses."""

    def make(*statuses: str, deferrable: bool = True, **changes: Any) -> BedrockBatchSensor:
        for number, status in enumerate(statuses):
            batches.jobs[f"arn:{number}"] = BatchJob(f"job-{number}", f"arn:{number}", status, processed=7, total=120)
        arguments = {"poll_interval_seconds": 0.01, "timeout_seconds": 60 if deferrable else 0.03, **changes}
        sensor_task: BedrockBatchSensor = equip(
            BedrockBatchSensor(
                task_id="judge_batch.wait",
                run_uri=RUN_URI,
                submitted={"job_arns": list(batches.jobs)},
                deferrable=deferrable,
                **arguments,
            )
        )
        return sensor_task

    return make


@pytest.mark.parametrize("status", ["Completed", "PartiallyCompleted", "Expired", "Failed", "Stopped"])
def test_any_final_status_ends_the_wait(sensor: Any, context: Any, status: str) -> None:
    assert sensor(status).execute(context) == {"jobs": 1}


@pytest.mark.parametrize("status", ["Submitted", "Validating", "Scheduled", "InProgress", "Stopping"])
def test_the_sensor_waits_for_a_running_job_in_the_triggerer(sensor: Any, context: Any, status: str) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        sensor("Completed", status).execute(context)
    trigger = deferred.value.trigger
    assert isinstance(trigger, BatchJobsTrigger)
    assert trigger.job_arns == ["arn:0", "arn:1"]
    assert "judge_batch.wait" in trigger.name


@pytest.mark.parametrize("stops", [True, False])
def test_the_use_case_decides_whether_a_task_marked_failed_stops_its_jobs(
    sensor: Any, context: Any, stops: bool
) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        sensor("InProgress", stop_when_marked_failed=stops).execute(context)
    assert deferred.value.trigger.give_up_when_failed is stops


def test_without_a_job_there_is_nothing_to_wait_for(sensor: Any, context: Any) -> None:
    assert sensor().execute(context) == {"jobs": 0}


def test_the_progress_is_logged(sensor: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert sensor("Completed", "InProgress").poll() is None
    printed = capsys.readouterr().out
    assert "1 of 2 batch jobs have ended; job-1 is InProgress (7 of 120 records)" in printed
    assert "job-0" not in printed


def test_a_time_out_names_the_jobs_and_says_that_they_are_billed(sensor: Any, context: Any) -> None:
    message = r"(?s)job-1 is InProgress.*stopped none of.*arn:0, arn:1\..*To wait longer, clear judge_batch\.wait"
    with pytest.raises(WaitTimeoutError, match=message):
        sensor("InProgress", "InProgress", deferrable=False).execute(context)


def test_a_job_that_does_not_exist_is_an_error(sensor: Any, context: Any, batches: FakeBatchJobs) -> None:
    waiting = sensor("InProgress")
    batches.jobs.clear()
    with pytest.raises(NotFoundError, match=r"(?s)arn:0.*Clear judge_batch\.submit with downstream"):
        waiting.execute(context)
    event = {"end": "refused", "message": "arn:0", "to_do": "Check the name.", "deadline": "2100-01-01T00:00:00+00:00"}
    with pytest.raises(NotFoundError, match=r"Clear judge_batch\.submit with downstream"):
        waiting.execute_complete(context, event)
