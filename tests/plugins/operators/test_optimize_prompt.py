"""Check which prompt optimization job is bought. ``test_named_job.py`` checks that it is bought once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.config.use_case import UseCase
from include.distill.core.errors import JobFailedError, RefusedError
from tests.fakes.fake_prompt_optimizations import FakePromptOptimizations
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze, make_row
from tests.plugins.operators.conftest import PROMPTED

TRAIN = [make_row(n) for n in range(1, 11)]


def test_the_job_gets_the_first_training_rows_and_the_students_model(
    submit_optimization: Any, optimizations: FakePromptOptimizations, store: MemoryStore
) -> None:
    manifest = submit_optimization()
    [(arn, request)] = optimizations.requests.items()
    expected = {
        "job_name": request.name,
        "job_arn": arn,
        "arm": "prompted",
        "attempt": 1,
        "bought": True,
        "output_uri": request.output_uri,
        "samples": 10,
    }
    assert {key: manifest[key] for key in expected} == expected
    assert request.name.startswith("test-aws-docs-qa-prompted-")
    assert request.model["modelId"] == "us.amazon.nova-micro-v1:0"
    record = json.loads(store.read(request.input_uri))
    assert [sample["referenceResponse"] for sample in record["evaluationSamples"]] == [row["answer"] for row in TRAIN]


def test_the_number_of_samples_is_that_of_the_use_case(
    submit_optimization: Any, optimizations: FakePromptOptimizations, store: MemoryStore, use_case: UseCase
) -> None:
    freeze(store, use_case, **PROMPTED, prompt_optimization={"samples": 3})
    assert submit_optimization()["samples"] == 3
    [request] = optimizations.requests.values()
    assert len(json.loads(store.read(request.input_uri))["evaluationSamples"]) == 3


def test_the_manifest_states_the_estimated_tokens_and_what_the_job_costs_at_most(submit_optimization: Any) -> None:
    manifest = submit_optimization()
    assert manifest["tokens"]["judge_input"] > manifest["tokens"]["student_input"] > 0
    assert manifest["at_most_usd"] > 0


def test_the_tags_name_the_run_and_the_arm(submit_optimization: Any, optimizations: FakePromptOptimizations) -> None:
    fingerprint = submit_optimization()["fingerprint"]
    [request] = optimizations.requests.values()
    own = {"arm": "prompted", "fingerprint": fingerprint, "run-key": FOLDER.run_key}
    assert {key: request.tags[key] for key in own} == own
    assert (request.tags["project"], request.tags["environment"]) == ("bedrock-distill", "test")


@pytest.mark.parametrize(
    "changes", [{"samples": 9}, {"steering_criteria": ["CONCISE"]}], ids=["samples", "steering criteria"]
)
def test_other_settings_are_another_job(
    submit_optimization: Any, store: MemoryStore, use_case: UseCase, changes: dict[str, Any]
) -> None:
    first = submit_optimization()
    freeze(store, use_case, **PROMPTED, prompt_optimization=changes)
    second = submit_optimization()
    assert second["bought"]
    assert second["attempt"] == 1
    assert second["job_name"] != first["job_name"]


def test_a_changed_poll_interval_buys_nothing(submit_optimization: Any, store: MemoryStore, use_case: UseCase) -> None:
    first = submit_optimization()
    freeze(store, use_case, **PROMPTED, prompt_optimization={"poll_interval_seconds": 30})
    assert submit_optimization() == {**first, "bought": False}


@pytest.mark.parametrize("field", ["input_uri", "output_uri"])
def test_a_job_with_other_locations_is_not_used(
    submit_optimization: Any, optimizations: FakePromptOptimizations, field: str
) -> None:
    optimizations.put(submit_optimization()["job_arn"], **{field: "other"})
    with pytest.raises(RefusedError, match=r"(?s)prompt optimization job .*its .* is other, expected.*preflight"):
        submit_optimization()


def test_a_partially_completed_job_with_results_is_not_bought_again(
    submit_optimization: Any, optimizations: FakePromptOptimizations
) -> None:
    first = submit_optimization()
    optimizations.end(first["job_arn"])
    optimizations.put(first["job_arn"], status="PartiallyCompleted")
    assert submit_optimization() == {**first, "bought": False}


def test_the_last_error_names_the_arm_and_the_setting(
    submit_optimization: Any, optimizations: FakePromptOptimizations
) -> None:
    submit_optimization.set_max_attempts(1)
    optimizations.end(submit_optimization()["job_arn"], "Stopped")
    message = r"(?s)All 1 prompt optimization jobs of arm prompted have ended.*raise prompt_optimization\.max_attempts"
    with pytest.raises(JobFailedError, match=message):
        submit_optimization()


def test_the_log_contains_no_prompt_and_no_row(submit_optimization: Any, capsys: pytest.CaptureFixture[str]) -> None:
    submit_optimization()
    printed = capsys.readouterr().out
    assert "Bought prompt optimization job" in printed
    assert not [row for row in TRAIN if row["question"] in printed or row["document"] in printed]
