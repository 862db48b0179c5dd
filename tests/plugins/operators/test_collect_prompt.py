"""Check that the optimized prompt is read, checked and stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bedrock_distill.operators.collect_prompt import BedrockCollectPromptOperator
from include.distill.core.errors import ContractError, JobFailedError, NotFoundError
from include.distill.core.storage import read_json
from include.distill.cost.amounts import usd_text
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


def test_a_stored_prompt_of_the_same_job_is_used_if_the_file_of_results_was_deleted(
    collect: Collect, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    first = collect()
    store.delete(collect.uri)
    before = dict(store.objects)
    assert collect() == first
    assert store.objects == before
    assert f"{collect.uri} does not exist. Using the prompt that this run stored" in capsys.readouterr().out


@pytest.mark.parametrize("stored", ["nothing", "of another job", "damaged"])
def test_without_results_and_a_stored_prompt_of_the_job_the_error_names_the_price_of_another_job(
    collect: Collect, store: MemoryStore, stored: str
) -> None:
    prompt_uri = FOLDER.optimized_prompt("prompted")
    if stored != "nothing":
        collect()
        body = store.read(prompt_uri).replace(collect.submitted["job_arn"].encode(), b"arn:other")
        store.write(prompt_uri, b"{" if stored == "damaged" else body)
    store.delete(collect.uri)
    before = dict(store.objects)
    with pytest.raises(ContractError) as error:
        collect()
    text = str(error.value)
    assert f"is Completed, but the file {collect.uri} with its results does not exist" in text
    assert "this run has no stored prompt of this job" in text
    assert "restore it and clear prompted.optimize.collect with downstream, which reads it and buys nothing" in text
    price = usd_text(collect.submitted["at_most_usd"])
    again = "clear prompted.optimize.submit with downstream, which buys another job"
    assert f"Otherwise, {again}, at most about {price} in all." in text
    assert store.objects == before


def test_after_the_last_attempt_the_error_says_to_raise_the_number_of_attempts(
    collect: Collect, store: MemoryStore
) -> None:
    store.delete(collect.uri)
    collect.submitted["attempt"] = 3
    message = r"Otherwise, raise prompt_optimization\.max_attempts and clear preflight with downstream, which buys"
    with pytest.raises(ContractError, match=message):
        collect()


def test_while_other_files_of_the_job_exist_the_error_says_to_delete_them(collect: Collect, store: MemoryStore) -> None:
    folder = collect.uri.rpartition("/")[0]
    store.write(f"{folder}/notes.txt", b"x")
    store.delete(collect.uri)
    message = f"Otherwise, delete the other files in {folder}/, and clear prompted.optimize.submit"
    with pytest.raises(ContractError, match=message):
        collect()


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
