"""Check that ``outcome`` stops the job of a task that was marked as failed, but not of a task that timed out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferralError, TaskDeferred

from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, FINAL_ATTEMPT, IN_PROGRESS, marked_task
from bedrock_distill.operators.outcome import RunOutcomeOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from include.distill.config.use_case import UseCase
from include.distill.core.errors import IncompleteRunError, RefusedError, TransientError, WaitTimeoutError
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.training_set import TRAINING_SHA256, TRAINING_URI
from tests.plugins.conftest import RUN_URI, FakeTaskInstance, freeze

pytestmark = pytest.mark.usefixtures("training_set")

DATASET = {
    "train_uri": TRAINING_URI,
    "validation_uri": None,
    "sha256": TRAINING_SHA256,
    "records": 100,
    "tokens": 1000,
}
WAITED = {"tuned.upload": "success", "tuned.submit": "success", "tuned.trained": "failed", "report": "upstream_failed"}
ASKED = {"tuned.upload": "success", "tuned.submit": "failed", "tuned.trained": "upstream_failed"}


class Run:
    """A run with the XComs of its tasks, and a check of the tasks' states by ``outcome``."""

    def __init__(self, equip: Any, context: dict[str, Any]) -> None:
        self.equip, self.context, self.number = equip, context, 1
        self.left: dict[tuple[str, str], Any] = {("tuned.upload", "return_value"): DATASET}
        context["ti"].xcom_pull = lambda task_ids, key="return_value", **_: self.left.get((task_ids, key))

    def of(self, task_id: str) -> dict[str, Any]:
        """Return the context of one of the run's tasks."""

        def push(key: str, value: Any) -> None:
            self.left[task_id, key] = value

        return {**self.context, "ti": SimpleNamespace(xcom_push=push, try_number=self.number, max_tries=3)}

    def wait(self, *, deferrable: bool = True) -> None:
        """Execute the waiting task until it ends or defers."""
        with suppress(TaskDeferred):
            self.sensor(deferrable=deferrable).execute(self.of("tuned.trained"))

    def submit(self) -> str:
        operator = BedrockSubmitCustomizationJobOperator(
            task_id="submit", arm="tuned", run_uri=RUN_URI, dataset=DATASET
        )
        context = self.of("tuned.submit")
        context["ti"] = FakeTaskInstance(**vars(context["ti"]), task_id="tuned.submit", dag_id="d", run_id="r")
        manifest = self.equip(operator).execute(context)
        self.left["tuned.submit", "return_value"] = manifest
        return str(manifest["job_name"])

    def sensor(self, *, deferrable: bool = True) -> Any:
        sensor = BedrockCustomizationJobSensor(
            task_id="trained",
            run_uri=RUN_URI,
            submitted=self.left["tuned.submit", "return_value"],
            poll_interval_seconds=0.01,
            timeout_seconds=60 if deferrable else 0.02,
            deferrable=deferrable,
        )
        return self.equip(sensor)

    def end(self, states: dict[str, str], **other_runs: dict[str, str]) -> str:
        self.context["ti"].get_task_states = lambda dag_id, run_ids=("r",), task_ids=(): (
            other_runs if task_ids else {run_ids[0]: states}
        )
        with pytest.raises(IncompleteRunError) as error:
            self.equip(RunOutcomeOperator(task_id="outcome", run_uri=RUN_URI)).execute(self.context)
        return str(error.value)


@pytest.fixture
def run(equip: Any, context: dict[str, Any]) -> Run:
    return Run(equip, context)


def test_the_job_of_a_waiting_task_that_was_marked_failed_is_stopped_and_its_bill_is_reported(
    run: Run, bedrock: FakeBedrock
) -> None:
    name = run.submit()
    run.wait()
    message = run.end(WAITED)
    assert bedrock.stopped == [name]
    assert f"Stopped {name}" in message
    assert "is billed, at most $" in message
    assert "Clear tuned.submit with downstream, which buys the next attempt if the job was stopped." in message
    assert "Clear tuned.trained" not in message
    assert "If a training job of arm tuned is running" not in message


def test_a_job_for_which_another_run_waits_is_not_stopped(run: Run, bedrock: FakeBedrock) -> None:
    """A backfill is not counted by ``max_active_runs``, so it may wait for the job of the same data."""
    name = run.submit()
    run.wait()
    message = run.end(WAITED, backfill={"tuned.submit": "success", "tuned.trained": "deferred"})
    assert bedrock.stopped == []
    assert f"{name} is not stopped, although its task was marked as failed, because the run backfill" in message


def test_the_job_is_stopped_if_airflow_only_cancels_the_trigger(run: Run, bedrock: FakeBedrock) -> None:
    """Airflow 3.2 never calls ``on_kill``."""

    async def wait_and_be_cancelled(trigger: Any) -> None:
        waiting = asyncio.ensure_future(anext(trigger.run()))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await trigger.cleanup()

    name = run.submit()
    with pytest.raises(TaskDeferred) as deferred:
        run.sensor().execute(run.of("tuned.trained"))
    deferred.value.trigger.poll_interval_seconds = 60
    asyncio.run(wait_and_be_cancelled(deferred.value.trigger))
    assert bedrock.stopped == []
    run.end(WAITED)
    assert bedrock.stopped == [name]


def test_a_time_out_does_not_stop_the_job(run: Run, bedrock: FakeBedrock) -> None:
    run.submit()
    with pytest.raises(WaitTimeoutError):
        run.wait(deferrable=False)
    message = run.end(WAITED)
    assert bedrock.stopped == []
    assert "clear tuned.submit" not in message.lower()
    assert "tuned.trained said when it failed: The training of job" in message


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        pytest.param(
            "execute_complete",
            {"event": {"end": "deadline", "message": "", "deadline": "2100-01-01T00:00:00+00:00"}},
            WaitTimeoutError,
            id="time-out in the triggerer",
        ),
        pytest.param(
            "execute_complete",
            {"event": {"end": "refused", "message": "denied", "deadline": ""}},
            RefusedError,
            id="refused",
        ),
        pytest.param("__fail__", {"error": "Trigger failure"}, TaskDeferralError, id="Airflow lost the trigger"),
    ],
)
def test_a_wait_that_failed_on_its_own_in_the_triggerer_does_not_stop_the_job(
    run: Run, bedrock: FakeBedrock, method: str, arguments: dict[str, Any], error: type[Exception]
) -> None:
    run.submit()
    run.wait()
    with pytest.raises(error):
        run.sensor().resume_execution(method, arguments, run.of("tuned.trained"))
    assert run.left["tuned.trained", ATTEMPT_KEY] == error.__name__
    run.end(WAITED)
    assert bedrock.stopped == []


def test_in_the_last_attempt_airflow_may_have_failed_the_task_so_the_job_is_not_stopped(
    run: Run, bedrock: FakeBedrock
) -> None:
    run.submit()
    run.number = 4
    run.wait()
    run.end(WAITED)
    assert bedrock.stopped == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_in_every_attempt_but_the_last_a_job_marked_failed_is_stopped(
    run: Run, bedrock: FakeBedrock, number: int
) -> None:
    """The task has three retries, so its third attempt is the last but one."""
    name = run.submit()
    run.number = number
    run.wait()
    run.end(WAITED)
    assert bedrock.stopped == [name]


@pytest.mark.parametrize(("number", "is_stopped"), [(3, True), (4, False)])
def test_a_submit_marked_failed_is_stopped_in_the_last_attempt_but_one_and_not_in_the_last(
    run: Run, bedrock: FakeBedrock, number: int, is_stopped: bool
) -> None:
    run.number = number
    name = run.submit()
    del run.left["tuned.submit", "return_value"]
    run.end(ASKED)
    assert bedrock.stopped == ([name] if is_stopped else [])


def test_a_wait_that_never_started_does_not_stop_the_job(run: Run, bedrock: FakeBedrock) -> None:
    run.submit()
    run.end(WAITED)
    assert bedrock.stopped == []


def test_the_job_of_a_submit_that_was_marked_failed_before_it_returned_is_found_by_its_data(
    run: Run, bedrock: FakeBedrock
) -> None:
    name = run.submit()
    del run.left["tuned.submit", "return_value"]
    assert f"Stopped {name}" in run.end(ASKED)
    assert bedrock.stopped == [name]


def test_a_submit_that_failed_on_its_own_does_not_stop_the_job(run: Run, bedrock: FakeBedrock) -> None:
    run.submit()
    del run.left["tuned.submit", "return_value"]
    bedrock.refuse["create_job"] = TransientError("lost")
    bedrock.jobs, kept = {}, bedrock.jobs
    with pytest.raises(TransientError):
        run.submit()
    bedrock.jobs = kept
    run.end(ASKED)
    assert bedrock.stopped == []


def test_a_run_marked_failed_before_its_wait_began_has_its_job_stopped(run: Run, bedrock: FakeBedrock) -> None:
    name = run.submit()
    text = run.end({**WAITED, "tuned.trained": "skipped"})
    assert bedrock.stopped == [name]
    assert "Clear tuned.submit with downstream, which buys the next attempt if the job was stopped." in text


def test_a_run_marked_failed_while_submit_waits_for_its_retry_has_its_job_stopped(
    run: Run, bedrock: FakeBedrock
) -> None:
    """The response to the purchase was lost, so the first attempt knows of no job. Airflow then skips the retry."""
    name = run.submit()
    del run.left["tuned.submit", "return_value"]
    run.left["tuned.submit", ATTEMPT_KEY] = "TransientError"
    assert f"Stopped {name}" in run.end({**ASKED, "tuned.submit": "skipped", "tuned.trained": "skipped"})
    assert bedrock.stopped == [name]


@pytest.mark.parametrize("status", ["Completed", "Stopped", "Failed"])
def test_an_ended_job_is_not_stopped(run: Run, bedrock: FakeBedrock, status: str) -> None:
    name = run.submit()
    run.wait()
    bedrock.put_job(name, status)
    assert "Stopped" not in run.end(WAITED)
    assert bedrock.stopped == []


def test_the_use_case_can_let_jobs_continue(
    run: Run, bedrock: FakeBedrock, store: MemoryStore, use_case: UseCase
) -> None:
    freeze(store, use_case, training={**use_case.training.model_dump(), "stop_when_marked_failed": False})
    run.submit()
    run.wait()
    run.end(WAITED)
    assert bedrock.stopped == []


@pytest.mark.parametrize(
    "states",
    [
        pytest.param({"preflight": "failed", "tuned.submit": "upstream_failed"}, id="nothing was begun"),
        pytest.param({"tuned.submit": "success", "tuned.trained": "success", "judge": "failed"}, id="trained"),
        pytest.param({"tuned.submit": "skipped", "tuned.trained": "skipped"}, id="never submitted"),
    ],
)
def test_a_job_is_not_stopped_in_any_other_case(run: Run, bedrock: FakeBedrock, states: dict[str, str]) -> None:
    run.submit()
    del run.left["tuned.submit", ATTEMPT_KEY]  # an earlier run has bought the job
    run.end({"judge": "failed", **states})
    assert bedrock.stopped == []


def test_a_job_that_cannot_be_stopped_is_named_in_the_runs_error(run: Run, bedrock: FakeBedrock) -> None:
    run.submit()
    run.wait()
    bedrock.refuse["stop_job"] = TransientError("500")
    assert "could not be stopped and may be running and billed: 500" in run.end(WAITED)


@pytest.mark.parametrize(
    ("attempts", "submit", "wait", "marked"),
    [
        pytest.param({"wait": IN_PROGRESS}, "success", "failed", "wait", id="wait marked failed"),
        pytest.param({"submit": IN_PROGRESS}, "failed", "upstream_failed", "submit", id="submit marked failed"),
        pytest.param({}, "success", "skipped", "wait", id="run marked between submit and wait"),
        pytest.param({"wait": "WaitTimeoutError"}, "success", "failed", None, id="timed out"),
        pytest.param({"submit": "RefusedError"}, "failed", "upstream_failed", None, id="submit refused"),
        pytest.param({"wait": FINAL_ATTEMPT}, "success", "failed", None, id="Airflow may have failed the last attempt"),
        pytest.param({"submit": IN_PROGRESS}, "success", "failed", None, id="wait failed before it started"),
        pytest.param({}, "success", "success", None, id="done"),
        pytest.param({}, "skipped", "skipped", None, id="never submitted"),
    ],
)
def test_a_job_is_abandoned_if_a_person_marked_its_task_failed(
    attempts: dict[str, str], submit: str, wait: str, marked: str | None
) -> None:
    """Only the XCom of the failed task counts. The XCom of the other task is from an earlier time."""
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: attempts.get(task_ids) if key == ATTEMPT_KEY else None)
    assert marked_task({"submit": submit, "wait": wait}, ti, "submit", "wait") == marked
