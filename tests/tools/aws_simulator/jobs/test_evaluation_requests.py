"""A request for an evaluation job is refused if Bedrock or the simulator could not run the job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused

Change = Callable[[Any], None]
SCALE = [
    {"definition": "bad", "value": {"floatValue": 0.0}},
    {"definition": "good", "value": {"floatValue": 1.0}},
]


def custom(name: str = "mine", instructions: str = "{{prompt}} {{prediction}}", **changes: Any) -> dict[str, Any]:
    return {"customMetricDefinition": {"name": name, "instructions": instructions, "ratingScale": SCALE, **changes}}


def automated(request: Any) -> Any:
    return request["evaluationConfig"]["automated"]


def first(request: Any) -> Any:
    config = request["evaluationConfig"]
    return (config.get("automated") or config["human"])["datasetMetricConfigs"][0]


def set_metrics(*names: str) -> Change:
    return lambda request: first(request).update(metricNames=list(names))


def set_models(*models: Any) -> Change:
    return lambda request: request["inferenceConfig"].update(models=list(models))


def set_evaluator(model_id: str) -> Change:
    return lambda request: automated(request).update(evaluatorModelConfig=builders.evaluator(model_id))


def set_custom(*metrics: Any, model_id: str = builders.EVALUATOR) -> Change:
    def change(request: Any) -> None:
        config = {"customMetrics": list(metrics), "evaluatorModelConfig": builders.evaluator(model_id)}
        automated(request).update(customMetricConfig=config)
        first(request)["metricNames"].append("mine")

    return change


def set_parameters(text: str) -> Change:
    return set_models(builders.bedrock_model(inferenceParams=text))


def create(simulator: RunningSimulator, request: Any) -> Any:
    return simulator.boto("bedrock", parameter_validation=False).create_evaluation_job(**request)


RAG = {"ragConfigs": [{"precomputedRagSourceConfig": {"retrieveSourceConfig": {"ragSourceIdentifier": "rag"}}}]}
CASES = {
    "RAG application": (lambda request: request.update(applicationType="RagEvaluation"), "no knowledge bases"),
    "RAG source": (lambda request: request.update(inferenceConfig=RAG), "without ragConfigs"),
    "no evaluator": (lambda request: automated(request).pop("evaluatorModelConfig"), "only with an evaluator model"),
    "two models": (set_models(builders.source_model(), builders.source_model("b")), "exactly one model"),
    "no location": (lambda request: first(request)["dataset"].pop("datasetLocation"), "no datasetLocation"),
    "same dataset": (lambda request: automated(request)["datasetMetricConfigs"].append(first(request)), "names"),
    "unknown metric": (set_metrics("Builtin.F1"), "Builtin metric with name Builtin.F1 does not exist"),
    "programmatic metric": (set_metrics("Builtin.Accuracy"), "Builtin metric with name Builtin.Accuracy does not"),
    "task type": (lambda request: first(request).update(taskType="QuestionAndAnswer"), "does not exist"),
    "unknown task type": (lambda request: first(request).update(taskType="Chat"), "enum"),
    "unused metric": (set_custom(custom(), custom("other")), "No dataset has the metric other"),
    "same metric": (set_custom(custom(), custom()), "different names"),
    "no prediction": (set_custom(custom(instructions="{{prompt}}")), "lack the variable {{prediction}}"),
    "no prompt": (set_custom(custom(instructions="{{prediction}}")), "lack the variable {{prompt}}"),
    "unknown evaluator": (set_evaluator("amazon.nova-premier-v9:0"), "model identifier is invalid"),
    "weak evaluator": (set_evaluator("us.amazon.nova-lite-v1:0"), "not supported as evaluator model for built-in"),
    "custom only": (set_evaluator("us.meta.llama3-3-70b-instruct-v1:0"), "evaluator model for built-in metrics"),
    "weak custom": (set_custom(custom(), model_id="us.amazon.nova-lite-v1:0"), "evaluator model for custom metrics"),
    "profile needed": (set_evaluator("anthropic.claude-sonnet-4-6"), "on-demand throughput isn't supported"),
    "unknown model": (set_models(builders.bedrock_model("amazon.none-v1:0")), "model identifier is invalid"),
    "no JSON": (set_parameters("{"), "inferenceParams is not JSON"),
    "no object": (set_parameters("[]"), "must be a JSON object"),
    "other parameter": (set_parameters('{"maxTokenCount": 5}'), "additionalModelRequestFields, inferenceConfig"),
    "wrong parameter": (set_parameters('{"inferenceConfig": {"maxTokens": "many"}}'), "maxTokens"),
    "latency": (
        set_models(builders.bedrock_model(performanceConfig={"latency": "optimized"})),
        "atency",
    ),
}


def test_a_retired_evaluator_is_refused_as_a_call_of_it_would_be(simulator: RunningSimulator) -> None:
    request = builders.evaluation_request(simulator)
    set_evaluator("anthropic.claude-3-haiku-20240307-v1:0")(request)
    with refused("ResourceNotFoundException", "end of its life", status=404):
        create(simulator, request)


@pytest.mark.parametrize("kind", ["custom-model-deployment", "custom-model"])
def test_a_deployed_model_cannot_be_asked_by_an_evaluation_job(simulator: RunningSimulator, kind: str) -> None:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:{kind}/abcdefghijkl"
    with refused("ValidationException", "regular expression pattern"):
        create(
            simulator, builders.evaluation_request(simulator, inferenceConfig={"models": [builders.bedrock_model(arn)]})
        )


def test_a_throughput_that_is_not_ready_is_refused(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"throughput_seconds": 600})
    arn = builders.provision(simulator, builders.STUDENT_BASE, wait=False)
    request = builders.evaluation_request(simulator, inferenceConfig={"models": [builders.bedrock_model(arn)]})
    with refused("ValidationException", "not ready"):
        create(simulator, request)
    simulator.boto("bedrock").delete_provisioned_model_throughput(provisionedModelId=arn)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(set_custom(custom(), model_id="us.meta.llama3-3-70b-instruct-v1:0"), id="custom evaluator"),
        pytest.param(set_custom(custom(instructions="{{ prompt }} {{ prediction }}")), id="spaces in variables"),
        pytest.param(set_evaluator("us.anthropic.claude-sonnet-4-6"), id="profile"),
        pytest.param(
            set_parameters('{"inferenceConfig": {"maxTokens": 5}, "additionalModelRequestFields": {}}'), id="p"
        ),
        pytest.param(lambda request: request.update(applicationType="ModelEvaluation"), id="application type"),
    ],
)
def test_a_right_automated_job_is_created(simulator: RunningSimulator, change: Change) -> None:
    request = builders.evaluation_request(simulator)
    change(request)
    builders.finished_evaluation(simulator, create(simulator, request)["jobArn"])


def human(request: Any) -> Any:
    return request["evaluationConfig"]["human"]


OTHER_ACCOUNT = "arn:aws:sagemaker:us-east-1:111122223333:flow-definition/reviewers"
HUMAN_CASES = {
    "no workflow": (lambda request: human(request).pop("humanWorkflowConfig"), "needs humanWorkflowConfig"),
    "other account": (
        lambda request: human(request)["humanWorkflowConfig"].update(flowDefinitionArn=OTHER_ACCOUNT),
        "another account",
    ),
    "no metrics": (lambda request: human(request).pop("customMetrics"), "names in metricNames"),
    "other metrics": (set_metrics("Fluency"), "names in metricNames"),
    "same metric": (lambda request: human(request)["customMetrics"].append(human(request)["customMetrics"][0]), "uniq"),
    "method": (lambda request: human(request)["customMetrics"][0].update(ratingMethod="Stars"), "Stars does not exist"),
    "comparison": (
        lambda request: human(request)["customMetrics"][0].update(ratingMethod="ComparisonRank"),
        "needs two models",
    ),
    "three models": (set_models(*map(builders.source_model, "abc")), "length less than or equal to 2"),
    "same model": (set_models(builders.source_model(), builders.source_model()), "must differ"),
    "no location": (lambda request: first(request)["dataset"].pop("datasetLocation"), "no datasetLocation"),
}


@pytest.mark.parametrize(
    ("build", "change", "complaint"),
    [pytest.param(builders.evaluation_request, *case, id=name) for name, case in CASES.items()]
    + [pytest.param(builders.human_request, *case, id=f"human: {name}") for name, case in HUMAN_CASES.items()],
)
def test_a_wrong_request_is_refused_and_creates_nothing(
    simulator: RunningSimulator, build: Any, change: Change, complaint: str
) -> None:
    request = build(simulator)
    change(request)
    with refused("ValidationException", complaint, status=400):
        create(simulator, request)
    assert request["jobName"] not in [job["name"] for job in simulator.ledger["evaluation_jobs"]]
