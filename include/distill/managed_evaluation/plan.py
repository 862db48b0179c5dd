"""
Plan an evaluation job: its configuration, its dataset, and the fingerprint that identifies what is bought.

Two runs with the same answers, metrics and evaluator need the same scores, so only one of them buys the job.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from include.distill.config.catalog import Model
from include.distill.config.evaluation_settings import CustomMetric, PointwiseEvaluation
from include.distill.core.naming import canonical_hash, content_hash
from include.distill.managed_evaluation.records import DatasetMetrics, EvaluationConfig

# The task type of jobs with an evaluator model: https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-built-in-metrics.html
# botocore's enum does not contain it. botocore does not check enums.
JUDGE_TASK = "General"
DATASET_NAME = "questions"


@dataclass(frozen=True)
class EvaluationPlan:
    """
    Everything that determines the result of an evaluation job.

    :param part: what the job evaluates, for the job's name, its tags and messages, such as the name of an arm.
    :param evaluator: key of the evaluator model in models.yaml, or a word for the people who answer.
    :param sources: the model identifiers in the dataset.
    :param dataset: the content of the dataset's file.
    """

    part: str
    evaluator: str
    config: EvaluationConfig
    sources: tuple[str, ...]
    dataset: bytes

    @cached_property
    def sha256(self) -> str:
        """The hash of the dataset, which is part of its URI."""
        return content_hash(self.dataset)

    @cached_property
    def fingerprint(self) -> str:
        """The hash of everything that determines the result. It does not depend on where the dataset is stored."""
        return canonical_hash([self.config, list(self.sources), self.sha256])


def judge_config(settings: PointwiseEvaluation, evaluator: Model) -> EvaluationConfig:
    """Return the configuration of a job in which ``evaluator`` scores answers for all metrics of the use case."""
    models = {"bedrockEvaluatorModels": [{"modelIdentifier": evaluator.inference_id}]}
    config: dict[str, object] = {"datasetMetricConfigs": [dataset_metrics(JUDGE_TASK, settings.metric_names)]}
    if settings.metrics:
        config["evaluatorModelConfig"] = models
    if settings.custom_metrics:
        definitions = [{"customMetricDefinition": _definition(metric)} for metric in settings.custom_metrics]
        config["customMetricConfig"] = {"customMetrics": definitions, "evaluatorModelConfig": models}
    return {"automated": config}


def encode_dataset(lines: Iterable[Mapping[str, object]]) -> bytes:
    """Return the content of a dataset's file. The same lines always give the same bytes."""
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def dataset_metrics(task_type: str, metrics: Sequence[str]) -> DatasetMetrics:
    """Return an entry of ``datasetMetricConfigs`` for the only dataset of a job."""
    return {"taskType": task_type, "dataset": {"name": DATASET_NAME}, "metricNames": list(metrics)}


def _definition(metric: CustomMetric) -> dict[str, object]:
    scale = [{"definition": one.definition, "value": {"floatValue": one.value}} for one in metric.rating_scale]
    return {"name": metric.name, "instructions": metric.instructions, "ratingScale": scale}
