"""Kill the submission of a prompt optimization job at every call to AWS, and check that nothing is bought twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.prompt_optimizations import PromptOptimizationJobs
from bedrock_distill.hooks.s3 import S3ObjectStore
from bedrock_distill.operators.answer import BedrockAnswerOperator
from bedrock_distill.operators.collect_prompt import BedrockCollectPromptOperator
from bedrock_distill.operators.optimize_prompt import BedrockSubmitPromptOptimizationOperator
from bedrock_distill.sensors.prompt_optimization import BedrockPromptOptimizationSensor
from include.distill.config.use_case import UseCase
from include.distill.core.storage import read_json, write_jsonl
from include.distill.prompt_optimization.records import OptimizedPrompt
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.fakes.memory_store import MemoryStore
from tests.fakes.patience import wait_until
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row
from tests.plugins.operators.conftest import PROMPTED
from tests.plugins.operators.test_evaluate_killed import (
    Killed,
    MortalHook,
    copy_to_simulator,
    submit_again_after_a_deletion,
    wait_in_worker,
)
from tests.tools.aws_simulator.models.sample_rows import sample_rows

SAMPLES = 4
CALLS_TO_BUY = 8
CALLS_TO_READ = 3  # of the use case, the prompts and the training rows


@pytest.fixture
def simulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: MemoryStore, use_case: UseCase
) -> Iterator[RunningSimulator]:
    """A simulator with the files of a run that has an arm with an optimized prompt, and rows of the sample data."""
    freeze(store, use_case, **PROMPTED)
    rows = [row for row in sample_rows("train.csv", 30) if row["answer"].strip()][:SAMPLES]
    texts = [{"document": row["doc"], "question": row["question"], "answer": row["answer"]} for row in rows]
    write_jsonl(store, FOLDER.source("train"), [make_row(number, **text) for number, text in enumerate(texts)])
    with connected_simulator(tmp_path / "state", monkeypatch, optimization_seconds=0.1) as simulator:
        copy_to_simulator(store, simulator)
        yield simulator


def submit(context: Any, hook: BedrockDistillHook) -> Any:
    task = BedrockSubmitPromptOptimizationOperator(task_id="prompted.optimize.submit", run_uri=RUN_URI, arm="prompted")
    task.__dict__.update(hook=hook, store=S3ObjectStore(hook))
    return task.execute(context)


def wait(context: Any, submitted: Any) -> Any:
    return wait_in_worker(BedrockPromptOptimizationSensor, "prompted.optimize", context, submitted)


def collect(context: Any, submitted: Any, result: Any) -> Any:
    task = BedrockCollectPromptOperator(
        task_id="prompted.optimize.collect", run_uri=RUN_URI, submitted=submitted, result=result
    )
    return task.execute(context)


def test_the_arm_answers_with_a_prompt_that_the_job_rewrote(simulator: RunningSimulator, context: Any) -> None:
    submitted = submit(context, BedrockDistillHook())
    optimized = collect(context, submitted, wait(context, submitted))
    prompt = read_json(S3ObjectStore(BedrockDistillHook()), optimized["prompt_uri"], OptimizedPrompt)
    assert prompt["optimized"] != prompt["original"]
    task = BedrockAnswerOperator(
        task_id="prompted.answer", run_uri=RUN_URI, arm="prompted", shard=0, optimized=optimized
    )
    manifest = task.execute(context)
    assert (manifest["rows"], manifest["calls"]) == (1, 1)


def test_a_job_whose_results_are_stored_is_not_bought_again_after_it_was_deleted(
    simulator: RunningSimulator, context: Any
) -> None:
    hook = MortalHook()
    first = submit(context, hook)
    assert hook.calls[CALLS_TO_READ:] == [
        *("list_advanced_prompt_optimization_jobs", "get_object", "get_object"),
        *("list_advanced_prompt_optimization_jobs", "put_object", "put_object"),
        *("create_advanced_prompt_optimization_job", "get_advanced_prompt_optimization_job"),
    ]
    result = wait(context, first)
    assert result["status"] == "Completed"
    prompt = collect(context, first, result)
    jobs = PromptOptimizationJobs(BedrockDistillHook())
    assert jobs.delete([first["job_arn"]]) == {}
    wait_until(lambda: not list(jobs.list()))
    again = submit(context, BedrockDistillHook())
    assert again == {**first, "bought": False}  # its results are stored
    assert collect(context, again, wait(context, again)) == {**prompt, "bought": False}
    assert list(jobs.list()) == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(CALLS_TO_READ + CALLS_TO_BUY))
def test_a_killed_submission_buys_one_job(simulator: RunningSimulator, context: Any, call: int, after: bool) -> None:
    with pytest.raises(Killed):
        submit(context, MortalHook(call + 1, after=after))
    manifest = submit(context, BedrockDistillHook())
    [job] = PromptOptimizationJobs(BedrockDistillHook()).list()
    assert (job.arn, manifest["attempt"]) == (manifest["job_arn"], 1)
    assert wait(context, manifest)["job_arn"] == job.arn


def test_a_deleted_job_is_followed_by_the_next_attempt_of_another_run(
    simulator: RunningSimulator, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = PromptOptimizationJobs(BedrockDistillHook())
    second = submit_again_after_a_deletion(submit, jobs, context, monkeypatch)
    assert (second["attempt"], second["bought"]) == (2, True)
