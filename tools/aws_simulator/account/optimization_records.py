"""
Define the JSON records in which the state stores prompt optimization jobs.

The rules of ``records.py`` apply: keys in camel case have the names and values of Bedrock's API.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from tools.aws_simulator.account.records import BackgroundJobBody, S3Location

Purpose = Literal["target", "judge", "rewriter"]


class InferenceParameters(TypedDict, total=False):
    """The inference parameters with which a model is asked."""

    maxTokens: int
    temperature: float
    topP: float
    stopSequences: list[str]


class TargetModel(TypedDict):
    """A model for which the prompt templates are optimized."""

    modelId: str
    inferenceConfig: NotRequired[InferenceParameters]
    additionalModelRequestFields: NotRequired[dict[str, object]]


class ModelUse(TypedDict):
    """The calls and tokens of one model in a job. ``purpose`` says for what the job asked the model."""

    model: str
    purpose: Purpose
    calls: int
    input_tokens: int
    output_tokens: int


class OptimizationJobBody(BackgroundJobBody):
    """
    A prompt optimization job.

    ``caller`` is the ARN of the role, or of the root user, with whose permissions the job works. ``templates`` and
    ``samples`` are the numbers of prompt templates and samples in the input file. ``billed_use`` is what is billed of
    each model.
    """

    caller: str
    jobDescription: NotRequired[str]
    inputConfig: S3Location
    outputConfig: S3Location
    encryptionKeyArn: NotRequired[str]
    modelConfigurations: list[TargetModel]
    templates: int
    samples: int
    billed_use: list[ModelUse]
    failureMessage: NotRequired[str]
