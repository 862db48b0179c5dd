from __future__ import annotations

import json
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator

from bedrock_distill.hooks.evaluations import EvaluationJobRequest
from include.distill.config.evaluation_settings import HumanEvaluation
from include.distill.managed_evaluation.worker_jobs import NO_TEXT, RULES, full_instructions, worker_plan
from tests.distill.labeling.example_sample import PAIR, sample

FLOW = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/raters"
SETTINGS = HumanEvaluation(flow_definition_arn=FLOW, instructions="Prefer the shorter response.")


def test_a_line_has_the_question_the_document_and_both_answers_and_does_not_name_the_arms() -> None:
    examples = sample()
    lines = [json.loads(line) for line in worker_plan(SETTINGS, examples).dataset.splitlines()]
    assert len(lines) == len(examples)
    for line, example in zip(lines, examples, strict=True):
        assert set(line) == {"prompt", "modelResponses"}
        assert example["question"] in line["prompt"]
        assert example["document"] in line["prompt"]
        assert line["modelResponses"] == [
            {"response": example["answer_a"], "modelIdentifier": "answer-a"},
            {"response": example["answer_b"], "modelIdentifier": "answer-b"},
        ]
    assert {example["a"] for example in examples} == {"candidate", "baseline"}  # a source is not always the same arm
    assert not set(PAIR) & {response["modelIdentifier"] for line in lines for response in line["modelResponses"]}


def test_an_answer_without_text_is_shown_as_a_note() -> None:
    [first, *_] = sample(1)
    line = json.loads(worker_plan(SETTINGS, [{**first, "answer_a": " \n"}]).dataset)
    assert [response["response"] for response in line["modelResponses"]] == [NO_TEXT, first["answer_b"]]


def test_the_request_is_valid_and_tells_workers_how_to_rate() -> None:
    plan = worker_plan(SETTINGS, sample())
    request = EvaluationJobRequest(
        name="name",
        token="t" * 32,
        role_arn="arn:aws:iam::123456789012:role/r",
        config=plan.config,
        sources=plan.sources,
        dataset_uri="s3://bucket/evaluations/ab12/dataset.jsonl",
        output_uri="s3://bucket/output/",
        tags={},
    ).parameters()
    model = get_session().get_service_model("bedrock").operation_model("CreateEvaluationJob").input_shape
    assert not ParamValidator().validate(request, model).has_errors()
    human = request["evaluationConfig"]["human"]
    assert human["humanWorkflowConfig"]["instructions"] == f"<p>Prefer the shorter response.</p>\n<p>{RULES}</p>"
    assert max(len(metric["description"]) for metric in human["customMetrics"]) <= 63
    sources = [one["precomputedInferenceSource"] for one in request["inferenceConfig"]["models"]]
    assert [one["inferenceSourceIdentifier"] for one in sources] == ["answer-a", "answer-b"]
    longest = HumanEvaluation(flow_definition_arn=FLOW, instructions="x" * 4_000)
    assert len(full_instructions(longest)) <= 5_000


def test_jobs_are_the_same_if_the_same_workers_see_the_same_texts() -> None:
    def fingerprint(examples: int = 20, **changes: Any) -> str:
        return worker_plan(SETTINGS.model_copy(update=changes), sample(examples)).fingerprint

    assert fingerprint() == fingerprint(wait_days=1, workers=3)
    others = [
        fingerprint(19),
        fingerprint(instructions="Prefer the longer response."),
        fingerprint(flow_definition_arn=f"{FLOW}-2"),
    ]
    assert len({fingerprint(), *others}) == 4
