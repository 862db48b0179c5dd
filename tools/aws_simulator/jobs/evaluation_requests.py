"""
Check the configuration in a request for an evaluation job, as Bedrock does before a job exists.

The service model declares what may be in the request. Bedrock's messages for the other rules are mostly not known. If
no source is named next to a message, the message is the simulator's own (UNVERIFIED).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.aws_simulator.account.calls import ACCOUNT_ID, Call
from tools.aws_simulator.account.evaluation_records import (
    AutomatedEvaluation,
    BedrockModel,
    CustomMetric,
    DatasetMetrics,
    EvaluatedModel,
    EvaluationConfig,
    HumanEvaluation,
)
from tools.aws_simulator.catalog.catalog import EvaluatorOf
from tools.aws_simulator.models.evaluator import built_in_metrics
from tools.aws_simulator.protocol.errors import ModelErrorException, ModelNotReadyException, ValidationException
from tools.aws_simulator.protocol.json_values import read_json
from tools.aws_simulator.runtime.inference import Inference

# The comment "must be General for LLMaaJ" is in AWS's notebooks, and AWS's user guide uses this type for judges. The
# enum of the service model does not have it.
JUDGE_TASK = "General"
NEEDED_VARIABLES = ("{{prompt}}", "{{prediction}}")
INFERENCE_FIELDS = frozenset({"inferenceConfig", "additionalModelRequestFields"})
COMPARISONS = frozenset({"ComparisonLikertScale", "ComparisonChoice", "ComparisonRank"})
COMPARED_MODELS = 2  # the number of models that a comparison needs
RATING_METHODS = frozenset({"ThumbsUpDown", "IndividualLikertScale"}) | COMPARISONS


def check_request(call: Call, inference: Inference) -> None:
    """Check the configuration of a new evaluation job.

    :raises ApiError: Bedrock would refuse the request, or the simulator cannot honor it.
    """
    arguments, sources = call.arguments, call.arguments["inferenceConfig"]
    if arguments.get("applicationType", "ModelEvaluation") != "ModelEvaluation" or "models" not in sources:
        raise ValidationException(
            "The AWS simulator has no knowledge bases, so it supports evaluation jobs of the type ModelEvaluation only,"
            " without ragConfigs. Nothing was created."
        )
    config: EvaluationConfig = arguments["evaluationConfig"]
    models: list[EvaluatedModel] = sources["models"]
    for model in models:
        if "bedrockModel" in model:
            _check_model(call.region, model["bedrockModel"], inference)
    if len({identifier_of(model) for model in models}) < len(models):
        raise ValidationException("The models of an evaluation job must differ.")
    if "human" in config:
        _check_human(config["human"], len(models))
    else:
        _check_automated(call.region, config["automated"], len(models), inference)


def identifier_of(model: EvaluatedModel) -> str:
    """Return the identifier of a model, or the name of a source of responses."""
    if "bedrockModel" in model:
        return model["bedrockModel"]["modelIdentifier"]
    return model["precomputedInferenceSource"]["inferenceSourceIdentifier"]


def dataset_configs(config: EvaluationConfig) -> list[DatasetMetrics]:
    """Return the datasets of a job, each with its metrics."""
    return (config["human"] if "human" in config else config["automated"])["datasetMetricConfigs"]


def inference_arguments(model: BedrockModel) -> dict[str, Any]:
    """
    Return the arguments of Converse that a model's configuration sets.

    The examples of https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-jobs-management-create-human.html
    have ``inferenceConfig`` and ``additionalModelRequestFields``.

    :raises ValidationException: ``inferenceParams`` is no JSON object, or has other fields.
    """
    try:
        fields = read_json(model.get("inferenceParams", "{}"))
    except ValueError as error:
        raise ValidationException(f"inferenceParams is not JSON: {error}.") from error
    if not isinstance(fields, dict) or set(fields) - INFERENCE_FIELDS:
        raise ValidationException(
            f"inferenceParams must be a JSON object. Its only fields may be {', '.join(sorted(INFERENCE_FIELDS))}."
        )
    options = {"performanceConfig": model["performanceConfig"]} if "performanceConfig" in model else {}
    return {**fields, **options}


def custom_metrics(config: AutomatedEvaluation) -> dict[str, CustomMetric]:
    """Return the custom metrics of a job by their names."""
    sources = config["customMetricConfig"]["customMetrics"] if "customMetricConfig" in config else []
    return {source["customMetricDefinition"]["name"]: source["customMetricDefinition"] for source in sources}


def evaluator_identifiers(config: AutomatedEvaluation) -> dict[EvaluatorOf, str]:
    """Return the identifiers of the evaluator models of a job, by the kind of metrics that they rate."""
    found: dict[EvaluatorOf, str] = {}
    if "evaluatorModelConfig" in config:
        found["built_in"] = config["evaluatorModelConfig"]["bedrockEvaluatorModels"][0]["modelIdentifier"]
    if "customMetricConfig" in config:
        models = config["customMetricConfig"]["evaluatorModelConfig"]["bedrockEvaluatorModels"]
        found["custom"] = models[0]["modelIdentifier"]
    return found


def _check_model(region: str, model: BedrockModel, inference: Inference) -> None:
    try:
        inference.check_prompt_arguments(region, model["modelIdentifier"], inference_arguments(model))
    except (ModelNotReadyException, ModelErrorException) as error:  # the operation does not declare these errors
        raise ValidationException(str(error)) from error


def _check_datasets(configs: list[DatasetMetrics]) -> None:
    names = [config["dataset"]["name"] for config in configs]
    if len(set(names)) < len(names):
        raise ValidationException("The datasets of an evaluation job must have different names.")
    for config in configs:
        if "datasetLocation" not in config["dataset"]:
            raise ValidationException(
                f"The dataset {config['dataset']['name']} has no datasetLocation. The AWS simulator has none of the"
                " built-in datasets."
            )


def _check_automated(region: str, config: AutomatedEvaluation, models: int, inference: Inference) -> None:
    if "evaluatorModelConfig" not in config and "customMetricConfig" not in config:
        raise ValidationException(
            "The AWS simulator supports automated evaluation jobs only with an evaluator model. Add"
            " evaluatorModelConfig or customMetricConfig. Nothing was created."
        )
    if models > 1:
        raise ValidationException("An automated evaluation job evaluates exactly one model.")
    _check_datasets(config["datasetMetricConfigs"])
    _check_metric_names(config)
    for metric in custom_metrics(config).values():
        _check_instructions(metric)
    for kind, identifier in evaluator_identifiers(config).items():
        _check_evaluator(region, identifier, kind, inference)


def _check_metric_names(config: AutomatedEvaluation) -> None:
    """
    Check that each metric exists, and that each custom metric is used.

    A public project quotes the message, for a metric that does not exist and for a task type other than General:
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-built-in-metrics.html uses General.
    """
    custom = custom_metrics(config)
    built_in = built_in_metrics() if "evaluatorModelConfig" in config else frozenset()
    for dataset in config["datasetMetricConfigs"]:
        known = {*custom, *(built_in if dataset["taskType"] == JUDGE_TASK else ())}
        for name in dataset["metricNames"]:
            if name not in known:
                raise ValidationException(f"Builtin metric with name {name} does not exist")
    _check_used(set(custom), config["datasetMetricConfigs"])
    if "customMetricConfig" in config and len(custom) < len(config["customMetricConfig"]["customMetrics"]):
        raise ValidationException("The custom metrics of an evaluation job must have different names.")


def _check_used(names: set[str], configs: list[DatasetMetrics]) -> None:
    if unused := sorted(names - {name for config in configs for name in config["metricNames"]}):
        raise ValidationException(f"No dataset has the metric {unused[0]} in its metricNames.")


def _check_instructions(metric: CustomMetric) -> None:
    """
    Check that the instructions use the prompt and the response.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-custom-metrics-prompt-formats.html
    """
    for variable in NEEDED_VARIABLES:
        if variable not in metric["instructions"].replace(" ", ""):
            raise ValidationException(f"The instructions of the metric {metric['name']} lack the variable {variable}.")


def _check_evaluator(region: str, identifier: str, kind: EvaluatorOf, inference: Inference) -> None:
    """
    Check that a model may rate metrics of this kind.

    A retired evaluator gets the error of a call: https://github.com/aws/sagemaker-python-sdk/pull/6217
    """
    if kind not in inference.on_demand(region, identifier).model.evaluator:
        noun = "built-in" if kind == "built_in" else "custom"
        raise ValidationException(f"The model {identifier} is not supported as evaluator model for {noun} metrics.")


def _check_human(config: HumanEvaluation, models: int) -> None:
    if "humanWorkflowConfig" not in config:
        raise ValidationException("A human evaluation job needs humanWorkflowConfig.")
    if config["humanWorkflowConfig"]["flowDefinitionArn"].split(":")[4] != ACCOUNT_ID:
        raise ValidationException("The flow definition belongs to another account.")
    _check_datasets(config["datasetMetricConfigs"])
    for fault in _human_metric_faults(config, models):
        raise ValidationException(fault)


def _human_metric_faults(config: HumanEvaluation, models: int) -> Iterator[str]:
    """
    Yield what is wrong with the metrics of a human job.

    The names must be those in ``metricNames``: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_HumanEvaluationConfig.html
    """
    metrics = config.get("customMetrics", [])
    names = {metric["name"] for metric in metrics}
    used = {name for dataset in config["datasetMetricConfigs"] for name in dataset["metricNames"]}
    if len(names) < len(metrics) or names != used:
        yield "The names in customMetrics must be unique, and must be the names in metricNames."
    for metric in metrics:
        if metric["ratingMethod"] not in RATING_METHODS:
            yield f"The rating method {metric['ratingMethod']} does not exist."
        elif metric["ratingMethod"] in COMPARISONS and models < COMPARED_MODELS:
            yield f"The rating method {metric['ratingMethod']} needs two models."
