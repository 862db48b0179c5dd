"""Check that the optimized prompt is read, checked and stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bedrock_distill.operators.collect_prompt import BedrockCollectPromptOperator
from include.distill.core.errors import ContractError, JobFailedError, NotFoundError
from include.distill.core.storage import read_json
from include.distill.prompt_optimization.records import OptimizedPrompt
from include.distill.prompt_optimization.results import prompt_version, results_uri
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.fake_prompt_optimizations import ADDED, FakePromptOptimizations
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI

NOT_OURS = "run-of-someone-else"


class Collect:
    """Reads the result of a completed job with a new task. ``task`` is the last one."""

    def __init__(self, equip: Any, submit: Any, context: Any) -> None:
        self.equip, self.context = equip, context
        self.submitted = submit()
        submit.jobs.end(self.submitted["job_arn"])
        kept = {key: self.submitted[key] for key in ("job_name", "job_arn", "arm", "output_uri")}
        self.result: Any = {**kept, "status": "Completed"}
        self.uri = results_uri(self.result)
        self.task: Any = None

    def __call__(self) -> Any:
        self.task = self.equip(
            BedrockCollectPromptOperator(
                task_id="prompted.optimize.collect", run_uri=RUN_URI, submitted=self.submitted, result=self.result
            )
        )
        return self.task.execute(self.context)


@pytest.fixture
def collect(equip: Any, submit_optimization: Any, context: Any) -> Collect:
    return Collect(equip, submit_optimization, context)


def test_the_prompt_is_stored_with_what_the_job_measured(collect: Collect, store: MemoryStore) -> None:
    manifest = collect()
    stored = read_json(store, FOLDER.optimized_prompt("prompted"), OptimizedPrompt)
    assert stored["optimized"] == ADDED + stored["original"]
    assert "{{document}}" in stored["original"]
    assert (stored["judge"], stored["samples"]) == ("claude-sonnet-4-6", 10)
    assert (stored["before"]["score"], stored["after"]["score"]) == (0.5, 0.8)
    assert manifest == {
        "arm": "prompted",
        "prompt_uri": FOLDER.optimized_prompt("prompted"),
        "prompt_version": prompt_version(stored["optimized"]),
        "samples": 10,
        "job_name": collect.submitted["job_name"],
        "bought": True,
        "at_most_usd": collect.submitted["at_most_usd"],
        "tokens": collect.submitted["tokens"],
    }


def test_neither_the_result_of_the_task_nor_the_log_contains_the_prompt(
    collect: Collect, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = collect()
    for text in (json.dumps(manifest), capsys.readouterr().out):
        assert ADDED.strip() not in text
        assert "{{document}}" not in text


def test_a_repeated_task_stores_the_same_prompt(collect: Collect, store: MemoryStore) -> None:
    first = collect()
    before = dict(store.objects)
    assert collect() == first
    assert store.objects == before


def test_a_job_that_another_run_bought_is_not_counted_as_bought(collect: Collect, bedrock: FakeBedrock) -> None:
    bedrock.tags_of[collect.submitted["job_arn"]]["run-key"] = NOT_OURS
    assert collect()["bought"] is False


def test_without_a_file_of_results_the_error_says_when_another_job_is_bought(
    collect: Collect, store: MemoryStore
) -> None:
    store.delete(collect.uri)
    message = r"(?s)is Completed, but the file s3://.* does not exist.*restore it.*clear prompted\.optimize\.submit"
    with pytest.raises(ContractError, match=message):
        collect()
    with pytest.raises(NotFoundError):
        store.read(FOLDER.optimized_prompt("prompted"))


@pytest.mark.parametrize(
    "prompt", ["Answer {{question}}.", "{{document}} {{question}} {{secret}}", " "], ids=["missing", "unknown", "blank"]
)
def test_a_prompt_that_cannot_be_filled_in_is_not_stored(
    collect: Collect, store: MemoryStore, optimizations: FakePromptOptimizations, prompt: str
) -> None:
    line = optimizations.result(collect.submitted["job_arn"])
    line["promptOptimizationResults"][0]["optimizedPromptTemplate"] = prompt
    store.write(collect.uri, json.dumps(line).encode())
    with pytest.raises(JobFailedError, match="cannot be used"):
        collect()
    with pytest.raises(NotFoundError):
        store.read(FOLDER.optimized_prompt("prompted"))


def test_the_result_of_a_failed_optimization_is_an_error_with_bedrocks_reason(
    collect: Collect, store: MemoryStore
) -> None:
    entry = {"status": "FAILED", "failureReason": "The model refused.", "modelId": "us.amazon.nova-micro-v1:0"}
    store.write(collect.uri, json.dumps({"promptOptimizationResults": [entry]}).encode())
    collect.result["status"] = "PartiallyCompleted"
    with pytest.raises(JobFailedError, match="The model refused"):
        collect()
