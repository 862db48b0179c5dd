"""Buy customization jobs of both kinds from the AWS simulator; kill `submit` at each of its calls, and retry it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.operators.dataset import MergeDatasetOperator, UploadDatasetOperator
from bedrock_distill.operators.train import BedrockSubmitCustomizationJobOperator
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from include.distill.config.use_case import UseCase
from include.distill.core.storage import write_jsonl
from include.distill.cost.job_price import at_most_usd, job_lines
from include.distill.cost.prices import load_prices, total_usd
from include.distill.cost.teacher_use import finished_job_tokens
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.fakes.patience import wait_until
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row
from tests.plugins.operators.test_deploy_killed import Killed, MortalHook

PROMPTS = 100
MANAGED = {"name": "managed", "kind": "distilled", "teacher": "nova-pro"}
ARMS = [{"name": "base", "kind": "base"}, {"name": "tuned", "originals": "all", "synthetic": 0}, MANAGED]


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with connected_simulator(tmp_path / "state", monkeypatch) as simulator:
        yield simulator


@pytest.fixture
def s3(simulator: RunningSimulator, use_case: UseCase) -> S3ObjectStore:
    """The simulated S3 with the frozen use case and the training rows of a run."""
    store = S3ObjectStore(BedrockDistillHook())
    for bucket in (use_case.storage.training_bucket, use_case.storage.output_bucket):
        simulator.boto("s3").create_bucket(Bucket=bucket)
    freeze(store, use_case, arms=ARMS)  # type: ignore[arg-type]
    write_jsonl(store, FOLDER.source("train"), [make_row(number) for number in range(1, PROMPTS + 1)])
    return store


@pytest.fixture
def start(s3: S3ObjectStore, context: Any) -> Any:
    """Return a function that runs a task with the simulated S3 and a hook."""

    def run(task: Any, hook: BedrockDistillHook | None = None) -> Any:
        task.__dict__["store"], task.__dict__["hook"] = s3, hook or BedrockDistillHook()
        return task.execute(context)

    return run


def uploaded(start: Any, arm: str) -> Any:
    merged = start(MergeDatasetOperator(task_id=f"{arm}.merge", run_uri=RUN_URI, arm=arm, synthesis=[]))
    return start(UploadDatasetOperator(task_id=f"{arm}.upload", run_uri=RUN_URI, arm=arm, merged=merged))


def submit(arm: str, dataset: Any) -> Any:
    return BedrockSubmitCustomizationJobOperator(task_id=f"{arm}.submit", arm=arm, run_uri=RUN_URI, dataset=dataset)


def trained(s3: S3ObjectStore, arm: str, submitted: Any) -> Any:
    """Wait until the job has completed, and return the result of the task ``trained``."""
    sensor = BedrockCustomizationJobSensor(
        task_id=f"{arm}.trained", run_uri=RUN_URI, submitted=submitted, poll_interval_seconds=1, timeout_seconds=60
    )
    sensor.__dict__["store"], sensor.__dict__["hook"] = s3, BedrockDistillHook()
    return wait_until(sensor.poll)


@pytest.mark.parametrize(
    ("method", "after"),
    [
        ("get_model_customization_job", False),
        ("create_model_customization_job", False),
        ("create_model_customization_job", True),
    ],
    ids=["before the look-up", "before the purchase", "after the purchase"],
)
@pytest.mark.parametrize("arm", ["tuned", "managed"])
def test_a_killed_task_leaves_nothing_that_a_retry_does_not_find(
    simulator: RunningSimulator, start: Any, arm: str, method: str, after: bool
) -> None:
    dataset = uploaded(start, arm)
    with pytest.raises(Killed):
        start(submit(arm, dataset), MortalHook(method, after=after))
    submitted = start(submit(arm, dataset))
    assert [job["name"] for job in simulator.ledger["jobs"]] == [submitted["job_name"]]
    assert submitted["bought"] is not after


def test_a_distillation_job_is_bought_once_and_costs_what_the_bill_says(
    simulator: RunningSimulator, s3: S3ObjectStore, start: Any
) -> None:
    dataset = uploaded(start, "managed")
    prompts = [json.loads(line) for line in s3.read(dataset["train_uri"]).decode().splitlines()]
    assert {len(prompt["messages"]) for prompt in prompts} == {1}
    task = submit("managed", dataset)
    submitted = start(task)
    assert start(submit("managed", dataset))["bought"] is False
    manifest = trained(s3, "managed", submitted)
    (job,) = simulator.ledger["jobs"]
    assert (job["type"], job["teacher"], job["teacher_calls"]) == ("DISTILLATION", "us.amazon.nova-pro-v1:0", PROMPTS)
    notes: list[str] = []
    tokens = finished_job_tokens(s3, manifest, dataset, note=notes.append)
    assert notes == []
    assert tokens.teacher[0] == pytest.approx(job["teacher_input_tokens"], rel=0.3)
    assert tokens.teacher[1] == pytest.approx(job["teacher_output_tokens"], rel=0.5)  # answers of only a few tokens
    assert task.use_case.epochs_of("managed") * tokens.epoch == pytest.approx(job["billed_tokens"], rel=0.3)
    billed = total_usd(job_lines(task.use_case, "managed", tokens, load_prices()))
    assert submitted["estimated_usd"] == pytest.approx(billed, rel=0.5)
    assert 0 < billed < submitted["at_most_usd"] == at_most_usd(task.use_case, "managed", dataset, load_prices())


def test_our_answers_reach_the_job(simulator: RunningSimulator, s3: S3ObjectStore, start: Any, use_case: Any) -> None:
    freeze(s3, use_case, arms=[*ARMS[:2], {**MANAGED, "golden_answers": "ours"}])  # type: ignore[arg-type]
    dataset = uploaded(start, "managed")
    manifest = trained(s3, "managed", start(submit("managed", dataset)))
    (job,) = simulator.ledger["jobs"]
    assert job["teacher_calls"] == 0  # the AWS simulator does not ask the teacher for an answer that the file has
    assert finished_job_tokens(s3, manifest, dataset, note=pytest.fail).teacher == (0, 0)
