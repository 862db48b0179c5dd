"""Stop the job of human workers whose task a person marked as failed, in the account of an AWS simulator."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, IN_PROGRESS
from tests.plugins.operators.test_deploy_killed import Killed, MortalHook
from tests.plugins.workers_run import WorkersRun
from tests.tools.aws_simulator import builders


class LabelingInstance:
    """The task instance of ``workers.stop``, in a DAG run whose other tasks have these states and XComs."""

    dag_id, run_id = "d", "r"

    def __init__(self, states: dict[str, str], xcoms: dict[tuple[str, str], Any]) -> None:
        self.states = {f"workers.{task}": state for task, state in states.items()}
        self.xcoms = {(f"workers.{task}", key): value for (task, key), value in xcoms.items()}

    def get_task_states(self, *, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        assert (dag_id, run_ids) == ("d", ["r"])
        return {"r": self.states}

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.xcoms.get((task_ids, key))


def status(workers: WorkersRun, arn: str) -> str:
    return str(builders.evaluation_state(workers.simulator, arn)["status"])


def test_a_job_whose_wait_was_marked_as_failed_is_stopped(workers: WorkersRun) -> None:
    sample = workers.draw()
    submitted = workers.submit(sample)
    states = {"submit": "success", "wait": "failed"}
    xcoms = {("submit", "return_value"): submitted, ("wait", ATTEMPT_KEY): IN_PROGRESS}
    assert workers.stop(sample, LabelingInstance(states, xcoms)) == [submitted["job_arn"]]
    assert status(workers, submitted["job_arn"]) in ("Stopping", "Stopped")


def test_a_job_whose_submit_was_marked_as_failed_right_after_the_purchase_is_stopped(workers: WorkersRun) -> None:
    sample = workers.draw()
    with pytest.raises(Killed):
        workers.submit(sample, MortalHook("create_evaluation_job", after=True))
    (job,) = workers.jobs
    states = {"submit": "failed", "wait": "upstream_failed"}
    instance = LabelingInstance(states, {("submit", ATTEMPT_KEY): IN_PROGRESS})
    assert workers.stop(sample, instance) == [job["jobArn"]]
    assert status(workers, job["jobArn"]) in ("Stopping", "Stopped")


@pytest.mark.parametrize("attempt", ["WaitTimeoutError", "JobFailedError"])
def test_a_job_whose_wait_failed_by_itself_is_not_stopped(workers: WorkersRun, attempt: str) -> None:
    sample = workers.draw()
    submitted = workers.submit(sample)
    xcoms = {("submit", "return_value"): submitted, ("wait", ATTEMPT_KEY): attempt}
    with pytest.raises(AirflowSkipException):
        workers.stop(sample, LabelingInstance({"submit": "success", "wait": "failed"}, xcoms))
    assert status(workers, submitted["job_arn"]) == "InProgress"


def test_a_job_is_not_stopped_if_the_use_case_says_so(workers: WorkersRun) -> None:
    sample = workers.draw()
    submitted = workers.submit(sample)
    workers.change(stop_when_marked_failed=False)
    xcoms = {("submit", "return_value"): submitted, ("wait", ATTEMPT_KEY): IN_PROGRESS}
    with pytest.raises(AirflowSkipException):
        workers.stop(sample, LabelingInstance({"submit": "success", "wait": "failed"}, xcoms))
    assert status(workers, submitted["job_arn"]) == "InProgress"


def test_without_a_sample_there_is_no_job(workers: WorkersRun) -> None:
    states = {"submit": "upstream_failed", "wait": "upstream_failed"}
    with pytest.raises(AirflowSkipException, match="No sample was drawn"):
        workers.stop(None, LabelingInstance(states, {}))
