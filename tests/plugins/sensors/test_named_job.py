"""Check the sensors for jobs of all kinds. Fake jobs take the place of the hooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.hooks.evaluations import EvaluationJob
from bedrock_distill.hooks.prompt_optimizations import OptimizationJob
from bedrock_distill.sensors.evaluation_job import BedrockEvaluationJobSensor
from bedrock_distill.sensors.named_job import NamedJobSensor
from bedrock_distill.sensors.prompt_optimization import BedrockPromptOptimizationSensor
from bedrock_distill.triggers.evaluation import EvaluationJobTrigger
from bedrock_distill.triggers.named_job import NamedJobTrigger
from bedrock_distill.triggers.prompt_optimization import PromptOptimizationTrigger
from include.distill.config.use_case import UseCase
from include.distill.core.ended_jobs import EndedJobs
from include.distill.core.errors import ContractError, JobFailedError, NotFoundError, WaitTimeoutError
from include.distill.managed_evaluation.ended_jobs import EndedEvaluationJobs
from include.distill.prompt_optimization.ended_jobs import EndedOptimizationJobs
from tests.fakes.fake_bedrock import CREATED, FakeBedrock
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.fake_named_jobs import FakeNamedJobs
from tests.fakes.fake_prompt_optimizations import FakePromptOptimizations
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze

ARN = "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/job0"
NAMES = {"job_name": "job", "job_arn": ARN, "arm": "tuned"}
SUBMITTED = {**NAMES, "fingerprint": "f", "attempt": 1, "bought": True, "at_most_usd": 0.25}
OUTPUT = "s3://output/e/"


@dataclass(frozen=True)
class Kind:
    """A kind of jobs: its sensor, its trigger, a fake of its client, and what its results and records are called.

    :ivar own: keys that only the manifests of this kind have.
    """

    sensor: type[NamedJobSensor[Any, Any]]
    trigger: type[NamedJobTrigger]
    fake: type[FakeNamedJobs[Any, Any]]
    job: Callable[[str, str | None], Any]
    ended: Callable[[MemoryStore], EndedJobs]
    group: str
    results_folder: str
    noun: str
    own: tuple[tuple[str, str], ...] = ()

    @property
    def result(self) -> dict[str, str]:
        return {**NAMES, **dict(self.own), "status": "Completed", "output_uri": OUTPUT}


KINDS = [
    Kind(
        BedrockEvaluationJobSensor,
        EvaluationJobTrigger,
        FakeEvaluationJobs,
        lambda status, message: EvaluationJob("job", ARN, status, CREATED, OUTPUT, "r", "d", message=message),
        lambda store: EndedEvaluationJobs(store, FOLDER),
        "evaluate.tuned_by_nova-pro",
        f"{OUTPUT}job/",
        "Evaluation job",
        (("evaluator", "nova-pro"),),
    ),
    Kind(
        BedrockPromptOptimizationSensor,
        PromptOptimizationTrigger,
        FakePromptOptimizations,
        lambda status, message: OptimizationJob("job", ARN, status, CREATED, OUTPUT, "i", ("m",), message=message),
        lambda store: EndedOptimizationJobs(store, FOLDER),
        "tuned.optimize",
        f"{OUTPUT}job0/",
        "Prompt optimization job",
    ),
]


@pytest.fixture(params=KINDS, ids=[kind.noun for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def jobs(kind: Kind, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase) -> FakeNamedJobs[Any, Any]:
    freeze(store, use_case, evaluations={"pointwise": {"evaluators": ["nova-pro"]}})
    return kind.fake(store, bedrock)


@pytest.fixture
def sensor(equip: Any, kind: Kind, jobs: FakeNamedJobs[Any, Any]) -> Any:
    """Return a function that makes the sensor for a job with a status; without a status, there is no job."""

    def make(status: str | None, message: str | None = None, **changes: Any) -> Any:
        if status:
            jobs.jobs[ARN] = kind.job(status, message)
        submitted = {**SUBMITTED, **dict(kind.own), **changes.pop("submitted", {})}
        arguments = {"poll_interval_seconds": 0.01, "timeout_seconds": 60, **changes}
        task = equip(kind.sensor(task_id=f"{kind.group}.wait", run_uri=RUN_URI, submitted=submitted, **arguments))
        task.__dict__["jobs"] = jobs
        return task

    return make


@pytest.fixture
def ended(kind: Kind, store: MemoryStore) -> Any:
    """Return a function that returns the record of how the job ended."""
    return lambda: kind.ended(store).find("job")


def test_a_completed_job_ends_the_wait_and_its_end_is_recorded(
    kind: Kind, sensor: Any, context: Any, ended: Any
) -> None:
    assert sensor("Completed").execute(context) == kind.result
    record = {"job_name": "job", "job_arn": ARN, "status": "Completed", "message": None, "output_uri": OUTPUT}
    assert ended() == record


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_running_job_is_waited_for_in_the_triggerer(
    kind: Kind, sensor: Any, context: Any, ended: Any, status: str
) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        sensor(status, stop_when_marked_failed=False).execute(context)
    trigger = deferred.value.trigger
    assert type(trigger) is kind.trigger
    assert (trigger.name, trigger.at_most_usd, trigger.give_up_when_failed) == (ARN, 0.25, False)
    assert ended() is None


def test_the_trigger_alone_never_makes_the_task_succeed(sensor: Any, context: Any) -> None:
    """A trigger may fire although the job runs, for example because of a newer Airflow."""
    event = {"end": "ended", "message": "", "deadline": "2100-01-01T00:00:00+00:00"}
    with pytest.raises(TaskDeferred):
        sensor("InProgress").execute_complete(context, event)


@pytest.mark.parametrize("event", [None, {"end": "deadline", "message": "", "deadline": "2020-01-01T00:00:00+00:00"}])
def test_a_time_out_is_an_error_and_says_that_the_job_is_billed(
    kind: Kind, sensor: Any, context: Any, event: Any
) -> None:
    waiting = sensor("InProgress", deferrable=False, timeout_seconds=0.03)
    message = rf"(?s)job has not ended.*was not stopped.*\$0\.25.*clear {kind.group}\.wait"
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
    kind: Kind,
    sensor: Any,
    context: Any,
    ended: Any,
    status: str,
    message: str | None,
    attempt: int,
    advice: str,
) -> None:
    with pytest.raises(JobFailedError, match=f"(?s){kind.noun} job ended with status {status}.*{advice}"):
        sensor(status, message, submitted={"attempt": attempt}).execute(context)
    assert ended()["status"] == status
    assert ended()["message"] == message


def test_an_unknown_status_is_an_error(sensor: Any, context: Any) -> None:
    with pytest.raises(ContractError, match="'Paused'"):
        sensor("Paused").execute(context)


class TestDeletedJob:
    def test_a_job_that_nobody_saw_end_is_an_error(self, sensor: Any, context: Any, ended: Any) -> None:
        message = r"(?s)does not exist any more.*submit with downstream, which buys another job"
        with pytest.raises(NotFoundError, match=message):
            sensor(None).execute(context)
        assert ended()["status"] == "Deleted"

    def test_a_job_that_completed_before_still_has_its_results(
        self, kind: Kind, sensor: Any, context: Any, store: MemoryStore, jobs: FakeNamedJobs[Any, Any]
    ) -> None:
        store.write(f"{kind.results_folder}output.jsonl", b"")
        assert sensor("Completed").execute(context) == kind.result
        jobs.jobs.clear()
        assert sensor(None).execute(context) == kind.result

    def test_without_results_a_completed_job_is_an_error(
        self, sensor: Any, context: Any, jobs: FakeNamedJobs[Any, Any]
    ) -> None:
        sensor("Completed").execute(context)
        jobs.jobs.clear()
        with pytest.raises(NotFoundError, match="has no results"):
            sensor(None).execute(context)
