"""
Define the JSON records in which the state stores evaluation jobs and the tasks of their human workers.

The rules of ``records.py`` apply: keys in camel case have the names and values of Bedrock's API.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from tools.aws_simulator.account.records import RoleJobBody, S3Location


class EvaluationDataset(TypedDict):
    """A dataset of prompts. Bedrock's own datasets have no location; the simulator does not have these datasets."""

    name: str
    datasetLocation: NotRequired[S3Location]


class DatasetMetrics(TypedDict):
    """A dataset and the metrics for which its responses are rated."""

    taskType: str
    dataset: EvaluationDataset
    metricNames: list[str]


class EvaluatorModel(TypedDict):
    """A model that rates responses."""

    modelIdentifier: str


class EvaluatorModels(TypedDict):
    """The evaluator model of a job, as ``evaluatorModelConfig`` in the request."""

    bedrockEvaluatorModels: list[EvaluatorModel]


class RatingValue(TypedDict, total=False):
    """The value of a rating: either a text or a number."""

    stringValue: str
    floatValue: float


class Rating(TypedDict):
    """One rating of a rating scale."""

    definition: str
    value: RatingValue


class CustomMetric(TypedDict):
    """A metric that the caller defines and an evaluator model applies. Without a scale, any answer is allowed."""

    name: str
    instructions: str
    ratingScale: NotRequired[list[Rating]]


class CustomMetricSource(TypedDict):
    """The place of a custom metric's definition, which is always the request itself."""

    customMetricDefinition: CustomMetric


class CustomMetrics(TypedDict):
    """The custom metrics of a job, and the model that applies them."""

    customMetrics: list[CustomMetricSource]
    evaluatorModelConfig: EvaluatorModels


class AutomatedEvaluation(TypedDict):
    """The configuration of a job in which an evaluator model rates the responses."""

    datasetMetricConfigs: list[DatasetMetrics]
    evaluatorModelConfig: NotRequired[EvaluatorModels]
    customMetricConfig: NotRequired[CustomMetrics]


class HumanWorkflow(TypedDict):
    """The flow definition of the people who rate the responses, and their instructions."""

    flowDefinitionArn: str
    instructions: NotRequired[str]


class HumanMetric(TypedDict):
    """A metric that people rate."""

    name: str
    description: NotRequired[str]
    ratingMethod: str


class HumanEvaluation(TypedDict):
    """The configuration of a job in which people rate the responses."""

    humanWorkflowConfig: HumanWorkflow
    customMetrics: list[HumanMetric]
    datasetMetricConfigs: list[DatasetMetrics]


class EvaluationConfig(TypedDict, total=False):
    """Either of the two configurations."""

    automated: AutomatedEvaluation
    human: HumanEvaluation


class PerformanceConfig(TypedDict, total=False):
    """The latency that is requested from a model."""

    latency: str


class BedrockModel(TypedDict):
    """A model that Bedrock asks for the responses. ``inferenceParams`` is a JSON text."""

    modelIdentifier: str
    inferenceParams: NotRequired[str]
    performanceConfig: NotRequired[PerformanceConfig]


class PrecomputedSource(TypedDict):
    """The name of the source of responses that the dataset contains."""

    inferenceSourceIdentifier: str


class EvaluatedModel(TypedDict, total=False):
    """Either a model or a source of responses."""

    bedrockModel: BedrockModel
    precomputedInferenceSource: PrecomputedSource


class InferenceConfig(TypedDict):
    """The models whose responses a job evaluates."""

    models: list[EvaluatedModel]


class EvaluationJobBody(RoleJobBody):
    """
    An evaluation job.

    ``prompts`` is the number of prompts that the job has read. ``evaluations`` is the number of ratings for which the
    evaluator model is billed.
    """

    evaluationConfig: EvaluationConfig
    inferenceConfig: InferenceConfig
    outputDataConfig: S3Location
    jobType: Literal["Automated", "Human"]
    jobDescription: NotRequired[str]
    customerEncryptionKeyId: NotRequired[str]
    prompts: int
    evaluations: int
    failureMessages: NotRequired[list[str]]


class ModelResponse(TypedDict):
    """The response of one model to a prompt."""

    response: str
    modelIdentifier: str


class DatasetLine(TypedDict):
    """One line of a dataset."""

    prompt: str
    referenceResponse: NotRequired[str]
    category: NotRequired[str]
    modelResponses: NotRequired[list[ModelResponse]]


class RankRecord(TypedDict):
    """The rank that a worker gave to one response."""

    modelResponseId: str
    rank: int


class HumanRating(TypedDict):
    """
    What a worker chose for one metric.

    ``result`` is true or false, a number, the chosen response, or a list of ranks.
    """

    metricName: str
    result: bool | int | dict[str, str] | list[RankRecord]
    modelResponseId: NotRequired[str]
    leftModelResponseId: NotRequired[str]
    rightModelResponseId: NotRequired[str]


class HumanAnswer(TypedDict):
    """What one worker answered to one task. ``submitted`` is the time of the answer."""

    workerId: str
    timeSpentInSeconds: float
    submitted: float
    evaluationResults: dict[str, list[HumanRating]]


class HumanTask(TypedDict):
    """One prompt of a dataset with all responses, and the answers of the workers so far."""

    dataset: str
    record: int
    line: DatasetLine
    responses: list[ModelResponse]
    metrics: list[HumanMetric]
    answers: list[HumanAnswer]
