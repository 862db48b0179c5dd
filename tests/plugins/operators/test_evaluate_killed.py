"""Kill the submission of an evaluation job at every call to AWS, and check that a retry buys nothing again."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.bought_jobs import other_job_lines
from bedrock_distill.operators.collect_scores import BedrockCollectScoresOperator
from bedrock_distill.operators.evaluate import BedrockEvaluationJobOperator
from bedrock_distill.sensors.evaluation_job import BedrockEvaluationJobSensor
from bedrock_distill.sensors.named_job import NamedJobSensor
from include.distill.core.ended_jobs import SHOWN_AFTER
from include.distill.core.errors import TransientError
from include.distill.core.storage import split_uri
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore
from tests.fakes.patience import wait_until
from tests.plugins.conftest import FOLDER, RUN_URI

CALLS_TO_BUY = 8
GROUP = "evaluate.tuned_by_nova-pro"
BUCKETS = ("bedrock-distill-training", "bedrock-distill-output")


class Killed(BaseException):
    """The worker's process is killed."""


class MortalHook(BedrockDistillHook):
    """The real hook. The process is killed before or after one of its calls to AWS."""

    def __init__(self, lives: int = 1_000, *, after: bool = False) -> None:
        super().__init__()
        self.lives, self.after = lives, after
        self.calls: list[str] = []

    def call(self, service: str, method: str, what: str = "", **parameters: Any) -> Any:
        self.calls.append(method)
        is_end = len(self.calls) == self.lives
        if is_end and not self.after:
            raise Killed
        try:
            return super().call(service, method, what, **parameters)
        finally:
            if is_end:
                raise Killed


def copy_to_simulator(store: MemoryStore, simulator: RunningSimulator) -> None:
    """Create the buckets of a run, and write all objects of a store to them."""
    client = simulator.boto("s3")
    for bucket in BUCKETS:
        client.create_bucket(Bucket=bucket)
    for uri, body in store.objects.items():
        bucket, key = split_uri(uri)
        client.put_object(Bucket=bucket, Key=key, Body=body)


@pytest.fixture
def simulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: MemoryStore, evaluations: FakeEvaluationJobs
) -> Iterator[RunningSimulator]:
    """A simulator with the files of a run whose arms have answered."""
    with connected_simulator(tmp_path / "state", monkeypatch, evaluation_seconds=0.1) as simulator:
        copy_to_simulator(store, simulator)
        yield simulator


def submit(context: Any, hook: BedrockDistillHook) -> Any:
    task = BedrockEvaluationJobOperator(task_id=f"{GROUP}.submit", run_uri=RUN_URI, arm="tuned", evaluator="nova-pro")
    task.__dict__.update(hook=hook, store=S3ObjectStore(hook))
    return task.execute(context)


def wait_in_worker(sensor: type[NamedJobSensor[Any, Any]], group: str, context: Any, submitted: Any) -> Any:
    """Wait for a job without a triggerer."""
    task = sensor(
        task_id=f"{group}.wait",
        run_uri=RUN_URI,
        submitted=submitted,
        poll_interval_seconds=0.02,
        timeout_seconds=20,
        deferrable=False,
    )
    return task.execute(context)


def wait(context: Any, submitted: Any) -> Any:
    return wait_in_worker(BedrockEvaluationJobSensor, GROUP, context, submitted)


def collect(context: Any, submitted: Any, result: Any) -> Any:
    task = BedrockCollectScoresOperator(task_id=f"{GROUP}.collect", run_uri=RUN_URI, submitted=submitted, result=result)
    return task.execute(context)


def test_a_job_whose_results_are_stored_is_not_bought_again_after_it_was_deleted(
    simulator: RunningSimulator, context: Any
) -> None:
    hook = MortalHook()
    first = submit(context, hook)
    assert hook.calls[-CALLS_TO_BUY:] == [
        *("list_evaluation_jobs", "get_object", "get_object", "list_evaluation_jobs"),
        *("put_object", "put_object", "create_evaluation_job", "get_evaluation_job"),
    ]
    result = wait(context, first)
    assert result["status"] == "Completed"
    assert collect(context, first, result)["missing"] == 0
    jobs = EvaluationJobs(BedrockDistillHook())
    assert jobs.delete([first["job_arn"]]) == {}
    again = submit(context, BedrockDistillHook())
    assert again == {**first, "bought": False}  # its results are stored
    assert collect(context, again, wait(context, again))["questions"] == 4
    assert list(jobs.list()) == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(CALLS_TO_BUY))
def test_a_killed_submission_buys_one_job(simulator: RunningSimulator, context: Any, call: int, after: bool) -> None:
    calls_to_read = 8  # of the use case, the prompts, the rows and the answers, and one to store the list of questions
    with pytest.raises(Killed):
        submit(context, MortalHook(calls_to_read + call + 1, after=after))
    manifest = submit(context, BedrockDistillHook())
    jobs = EvaluationJobs(BedrockDistillHook())
    [job] = jobs.list()
    assert (job.arn, manifest["attempt"]) == (manifest["job_arn"], 1)
    assert wait(context, manifest)["job_arn"] == job.arn


def submit_again_after_a_deletion(submit: Any, jobs: Any, context: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """
    Buy a job, delete it before a task has seen its end, and submit it in another run.

    Bedrock refuses the token of the deleted job without naming the job, because the other run has other tags.
    """
    first = submit(context, BedrockDistillHook())
    wait_until(lambda: jobs.find(first["job_name"]).progress is not Progress.RUNNING)
    assert jobs.delete([first["job_arn"]]) == {}
    wait_until(lambda: not list(jobs.list()))
    context["dag_run"].run_id = "manual__another"
    with pytest.raises(TransientError, match="already used for a request with other parameters"):
        submit(context, BedrockDistillHook())
    later = datetime.datetime.now(datetime.UTC) + SHOWN_AFTER
    monkeypatch.setattr("bedrock_distill.operators.named_job.utc_now", lambda: later)
    return submit(context, BedrockDistillHook())


def test_a_deleted_job_is_followed_by_the_next_attempt_of_another_run(
    simulator: RunningSimulator, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = submit_again_after_a_deletion(submit, EvaluationJobs(BedrockDistillHook()), context, monkeypatch)
    assert (second["attempt"], second["bought"]) == (2, True)


def test_the_bill_has_a_stopped_attempt_next_to_the_one_that_replaced_it(
    simulator: RunningSimulator, context: Any
) -> None:
    hook = BedrockDistillHook()
    simulator.admin("PUT", "settings", {"evaluation_seconds": 600})
    first = submit(context, hook)
    EvaluationJobs(hook).stop(first["job_arn"])
    simulator.admin("PUT", "settings", {"evaluation_seconds": 0.1})
    jobs = EvaluationJobs(hook)
    wait_until(lambda: jobs.find(first["job_name"]).status == "Stopped")
    second = submit(context, hook)
    scores = collect(context, second, wait(context, second))
    assert (second["attempt"], scores["job_name"]) == (2, second["job_name"])
    assert {job["name"] for job in simulator.ledger["evaluation_jobs"]} == {first["job_name"], second["job_name"]}
    lines = other_job_lines(hook, S3ObjectStore(hook), FOLDER, [scores["job_name"]])
    assert {line.what for line in lines} == {
        "scores tuned without results (at most): nova-pro input",
        "scores tuned without results (at most): nova-pro output",
    }
    assert [line.quantity for line in lines] == [second["input_tokens"], second["output_tokens"]]
