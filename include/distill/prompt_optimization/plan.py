"""
Plan a prompt optimization job: its model, its input, and the fingerprint that identifies what is bought.

Two runs of a use case with the same prompt, samples, model and judge need the same job for an arm, so only one of them
buys it. The name of the job depends on the environment, the use case and the arm, too, so another arm buys its own job.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NotRequired, TypedDict

from include.distill.config.use_case import UseCase
from include.distill.core.naming import canonical_hash, content_hash
from include.distill.prompt_optimization.dataset import encode
from include.distill.prompt_optimization.records import OptimizationInput


class InferenceConfig(TypedDict):
    """How the model answers during a job, in Bedrock's format."""

    maxTokens: int
    temperature: NotRequired[float]


class ModelConfiguration(TypedDict):
    """The model whose answers a job improves, in Bedrock's format."""

    modelId: str
    inferenceConfig: InferenceConfig


@dataclass(frozen=True)
class OptimizationPlan:
    """
    Everything that determines the result of a prompt optimization job.

    :param arm: the arm whose prompt is optimized, for the job's name, its tags and messages.
    :param record: the input of the job.
    """

    arm: str
    model: ModelConfiguration
    record: OptimizationInput

    @cached_property
    def dataset(self) -> bytes:
        """The content of the input file.

        :raises LimitError: the file would be larger than Bedrock permits.
        """
        return encode(self.record)

    @cached_property
    def sha256(self) -> str:
        """The hash of the input file, which is part of its URI."""
        return content_hash(self.dataset)

    @cached_property
    def fingerprint(self) -> str:
        """The hash of everything that determines the result. It depends neither on the arm nor on where files are."""
        return canonical_hash([self.model, self.sha256])

    @property
    def samples(self) -> int:
        """The number of samples in the input."""
        return len(self.record["evaluationSamples"])


def optimization_plan(use_case: UseCase, arm: str, record: OptimizationInput) -> OptimizationPlan:
    """Return the plan of the job that optimizes an arm's prompt. The model answers as in the arm's own requests."""
    model, answering = use_case.catalog_model(use_case.student), use_case.answering
    config: InferenceConfig = {"maxTokens": answering.max_tokens}
    if model.temperature and answering.temperature is not None:
        config["temperature"] = answering.temperature
    return OptimizationPlan(arm, {"modelId": model.inference_id, "inferenceConfig": config}, record)
