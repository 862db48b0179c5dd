"""Check that an arm's answers are scored by the configured evaluator, once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bedrock_distill.operators.evaluate import BedrockEvaluationJobOperator
from include.distill.config.use_case import UseCase
from include.distill.core.storage import read_jsonl
from tests.fakes.fake_evaluation_jobs import FakeEvaluationJobs
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze
from tests.plugins.operators.conftest import ROWS


def test_the_job_scores_the_arms_own_answers_without_an_endpoint(
    submit_evaluation: Any, evaluations: FakeEvaluationJobs, store: MemoryStore
) -> None:
    manifest = submit_evaluation()
    [arn] = evaluations.jobs
    request = evaluations.requests[arn]
    expected = {
        "job_name": request.name,
        "job_arn": arn,
        "arm": "tuned",
        "evaluator": "nova-pro",
        "attempt": 1,
        "bought": True,
        "output_uri": request.output_uri,
    }
    assert {key: manifest[key] for key in expected} == expected
    assert request.sources == ("tuned",)
    assert request.name.startswith("test-aws-docs-qa-tuned-nova-p-")
    lines = [json.loads(line) for line in store.read(request.dataset_uri).splitlines()]
    assert [line["referenceResponse"] for line in lines] == [row["answer"] for row in ROWS]
    questions = read_jsonl(store, FOLDER.evaluation_questions("tuned"), dict)
    assert [one["row_id"] for one in questions] == [row["row_id"] for row in ROWS]


def test_the_manifest_states_the_cost_under_stated_assumptions(submit_evaluation: Any) -> None:
    manifest = submit_evaluation()
    assert manifest["output_tokens"] == 3 * 4 * 250
    assert manifest["input_tokens"] > 3 * 4 * 700
    assert 0 < manifest["at_most_usd"] < 1


def test_the_tags_name_the_run_the_arm_and_the_evaluator(
    submit_evaluation: Any, evaluations: FakeEvaluationJobs
) -> None:
    fingerprint = submit_evaluation()["fingerprint"]
    [request] = evaluations.requests.values()
    own = {"arm": "tuned", "evaluator": "nova-pro", "fingerprint": fingerprint, "run-key": FOLDER.run_key}
    assert {key: request.tags[key] for key in own} == own
    assert (request.tags["project"], request.tags["environment"]) == ("bedrock-distill", "test")


def test_another_evaluator_is_another_job(submit_evaluation: Any, evaluations: FakeEvaluationJobs) -> None:
    submit_evaluation()
    submit_evaluation(evaluator="nova-micro")
    assert len(evaluations.jobs) == 2


def test_only_the_configured_number_of_questions_is_scored(
    submit_evaluation: Any, evaluations: FakeEvaluationJobs, store: MemoryStore, use_case: UseCase
) -> None:
    freeze(store, use_case, evaluations={"pointwise": {"evaluators": ["nova-pro"], "questions": 3}})
    submit_evaluation()
    [request] = evaluations.requests.values()
    assert len(store.read(request.dataset_uri).splitlines()) == 3


def test_the_log_contains_no_prompt_and_no_answer(
    submit_evaluation: Any, capsys: pytest.CaptureFixture[str], evaluations: FakeEvaluationJobs
) -> None:
    submit_evaluation()
    printed = capsys.readouterr().out
    assert "Bought evaluation job" in printed
    assert not [row for row in ROWS if row["question"] in printed or row["document"] in printed]


def test_the_operator_asks_for_pointwise_scores() -> None:
    assert BedrockEvaluationJobOperator.kind == "pointwise"
