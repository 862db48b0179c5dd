"""Find the jobs of human workers that no labeling run needs, in the account of an AWS simulator."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, FINAL_ATTEMPT, IN_PROGRESS
from bedrock_distill.lifecycle.forgotten_workers import running_worker_jobs, stop_if_forgotten
from include.distill.config.loader import load_use_case
from tests.fakes.variables import VARIABLES
from tests.plugins.workers_run import NAME, WorkersRun
from tests.tools.aws_simulator import builders

MARKED = {"workers.submit": "success", "workers.wait": "failed", "workers.stop": "skipped"}


class Airflow:
    """The task instance of the sweeper, and the ended labeling run ``r`` of the DAG ``d`` that it looks up."""

    def __init__(self, submitted: Any, **changes: Any) -> None:
        given = {"state": "failed", "states": MARKED, "attempt": IN_PROGRESS, "live_runs": 0, **changes}
        self.__dict__.update(given)
        self.submitted = submitted
        self.xcoms: dict[tuple[str, str], Any] = {("workers.submit", "return_value"): submitted}
        self.xcoms["workers.wait", ATTEMPT_KEY] = given["attempt"]

    def get_dagrun_state(self, dag_id: str, run_id: str) -> Any:
        assert (dag_id, run_id) == ("d", "r")
        return self.__dict__["state"]

    def get_dr_count(self, dag_id: str, *, states: list[str]) -> Any:
        assert (dag_id, states) == ("d", ["queued", "running"])
        return self.__dict__["live_runs"]

    def get_task_states(self, *, dag_id: str, run_ids: list[str]) -> Any:
        assert (dag_id, run_ids) == ("d", ["r"])
        return {"r": self.__dict__["states"]} if self.__dict__["states"] else {}

    def xcom_pull(self, *, task_ids: str, key: str, dag_id: str, run_id: str) -> Any:
        assert (dag_id, run_id) == ("d", "r")
        return self.xcoms.get((task_ids, key))


def sweep(workers: WorkersRun, submitted: Any, *, known: bool = True, **airflow: Any) -> tuple[bool, str]:
    [job] = running_worker_jobs(workers.hook, "test")
    use_case = load_use_case(workers.use_cases / f"{NAME}.yaml", VARIABLES) if known else None
    context: Any = {"ti": Airflow(submitted, **airflow)}
    return stop_if_forgotten(workers.hook, job, use_case, context)


def status(workers: WorkersRun, submitted: Any) -> str:
    return str(builders.evaluation_state(workers.simulator, submitted["job_arn"])["status"])


@pytest.mark.parametrize(
    "states",
    [
        pytest.param(MARKED, id="no triggerer was running when the run was marked"),
        pytest.param({**MARKED, "workers.wait": "skipped"}, id="the run was marked before the task waited"),
    ],
)
def test_a_job_of_a_run_that_a_person_marked_as_failed_is_stopped(workers: WorkersRun, states: Any) -> None:
    submitted = workers.submit()
    stopped, message = sweep(workers, submitted, states=states)
    assert stopped
    assert "at most about $1.26 in all. To buy the next attempt, clear `workers.submit` with downstream" in message
    assert status(workers, submitted) in ("Stopping", "Stopped")


@pytest.mark.parametrize(
    ("airflow", "reason"),
    [
        ({"state": "running"}, "its run is running"),
        ({"live_runs": 1}, "another run of the labeling DAG may be waiting for its answers"),
        ({"attempt": "WaitTimeoutError"}, "nobody marked its tasks as failed, so the workers can still answer"),
        ({"attempt": FINAL_ATTEMPT}, "nobody marked its tasks as failed"),
        ({"states": {}}, "nobody marked its tasks as failed"),
        ({"known": False}, "the use case does not exist or names no human workers"),
    ],
)
def test_a_job_that_a_run_may_need_is_left_with_the_reason(
    workers: WorkersRun, airflow: dict[str, Any], reason: str
) -> None:
    submitted = workers.submit()
    stopped, message = sweep(workers, submitted, **airflow)
    assert not stopped
    assert f"{submitted['job_name']}: leave, {reason}" in message
    assert status(workers, submitted) == "InProgress"


def test_a_job_is_left_if_the_use_case_says_so(workers: WorkersRun) -> None:
    submitted = workers.submit()
    workers.change(stop_when_marked_failed=False)
    assert sweep(workers, submitted) == (
        False,
        f"{submitted['job_name']}: leave, evaluations.human.stop_when_marked_failed is false",
    )


def test_only_running_jobs_of_the_environment_are_found(workers: WorkersRun) -> None:
    submitted = workers.submit()
    assert [job.arn for job in running_worker_jobs(workers.hook, "test")] == [submitted["job_arn"]]
    assert list(running_worker_jobs(workers.hook, "prod")) == []
    workers.simulator.boto("bedrock").stop_evaluation_job(jobIdentifier=submitted["job_arn"])
    builders.finished_evaluation(workers.simulator, submitted["job_arn"])
    assert list(running_worker_jobs(workers.hook, "test")) == []


def test_a_run_whose_id_would_change_the_path_of_a_request_is_not_looked_up(workers: WorkersRun) -> None:
    workers.context["dag_run"] = SimpleNamespace(dag_id="d", run_id="a?b", start_date=None)
    submitted = workers.submit()
    stopped, message = sweep(workers, submitted)
    assert not stopped
    assert "Airflow cannot look up the tasks of the run" in message
