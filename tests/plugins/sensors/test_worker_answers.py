"""Wait for the human workers of an evaluation job of the AWS simulator."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.triggers.worker_answers import WorkerAnswersTrigger
from include.distill.core.errors import InputError, JobFailedError, NotFoundError, WaitTimeoutError
from tests.plugins.conftest import FOLDER
from tests.plugins.workers_run import WorkersRun, answer
from tests.tools.aws_simulator import builders


@pytest.fixture
def sample(workers: WorkersRun) -> Any:
    return workers.draw()


@pytest.fixture
def submitted(workers: WorkersRun, sample: Any) -> Any:
    submitted = workers.submit(sample)
    builders.open_tasks(workers.simulator, submitted["job_arn"])
    return submitted


def test_the_wait_ends_when_workers_have_answered(workers: WorkersRun, sample: Any, submitted: Any) -> None:
    answers = [answer(task, "w1", "0") for task in builders.open_tasks(workers.simulator, submitted["job_arn"])]
    workers.simulator.admin("POST", "human_answers", {"job": submitted["job_arn"], "answers": answers})
    result = workers.wait(sample, submitted)
    assert (result["status"], result["job_arn"]) == ("Completed", submitted["job_arn"])
    assert result["output_uri"] == submitted["output_uri"]


def test_a_timeout_is_never_a_success_and_does_not_stop_the_job(
    workers: WorkersRun, sample: Any, submitted: Any
) -> None:
    with pytest.raises(WaitTimeoutError, match="workers have not answered all examples") as timeout:
        workers.wait(sample, submitted, timeout_seconds=0.05)
    assert "clear workers.wait with downstream" in timeout.value.to_do
    assert "at most about $1.26" in timeout.value.billed
    assert builders.evaluation_state(workers.simulator, submitted["job_arn"])["status"] == "InProgress"


def test_a_wait_of_days_is_deferred_to_a_trigger_that_stops_the_job_when_the_task_is_marked_failed(
    workers: WorkersRun, sample: Any, submitted: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    task = workers.sensor(sample, submitted, deferrable=True, timeout_seconds=14 * 86_400)
    task.pre_execute(workers.context)
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(workers.context)
    trigger = deferred.value.trigger
    assert isinstance(trigger, WorkerAnswersTrigger)
    assert (trigger.name, trigger.give_up_when_failed) == (submitted["job_arn"], True)
    trigger.give_up(workers.hook)
    assert "The workers' answers so far are billed, at most about $1.26 in all." in capsys.readouterr().out
    assert builders.finished_evaluation(workers.simulator, submitted["job_arn"])["status"] == "Stopped"


def test_a_stopped_job_is_a_failure_that_says_how_to_buy_another(
    workers: WorkersRun, sample: Any, submitted: Any
) -> None:
    workers.simulator.boto("bedrock").stop_evaluation_job(jobIdentifier=submitted["job_arn"])
    builders.finished_evaluation(workers.simulator, submitted["job_arn"])
    with pytest.raises(JobFailedError, match="ended with status Stopped") as failed:
        workers.wait(sample, submitted)
    assert failed.value.left == "Nothing is running. The labeled run and all stored labels are unchanged."
    assert failed.value.billed.startswith("The workers' answers up to that point may be billed;")
    assert failed.value.then_clear == "workers.submit with downstream"


def test_a_job_that_was_deleted_is_a_failure(workers: WorkersRun, sample: Any, submitted: Any) -> None:
    bedrock = workers.simulator.boto("bedrock")
    bedrock.stop_evaluation_job(jobIdentifier=submitted["job_arn"])
    builders.finished_evaluation(workers.simulator, submitted["job_arn"])
    bedrock.batch_delete_evaluation_job(jobIdentifiers=[submitted["job_arn"]])
    with pytest.raises(NotFoundError, match="does not exist any more") as failed:
        workers.wait(sample, submitted)
    assert failed.value.billed.startswith("The workers' answers until the job was deleted;")
    assert failed.value.then_clear == "workers.submit with downstream"


def test_a_sample_of_another_run_is_refused(workers: WorkersRun, sample: Any, submitted: Any) -> None:
    with pytest.raises(InputError, match="is a run of another use case"):
        workers.wait({**sample, "run_uri": f"{FOLDER.root}/runs/manual-1-0badcafe"}, submitted)
