"""Define the records of prompt optimization jobs: the input file, task results, and the optimized prompt."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class OptimizationSample(TypedDict):
    """A training row in the input of a job. Bedrock wants each variable in an object of its own."""

    inputVariables: list[dict[str, str]]
    referenceResponse: str


class OwnJudge(TypedDict):
    """The judge that a use case names, in the input of a job."""

    customLLMJPrompt: str
    customLLMJModelId: str


class OptimizationInput(TypedDict):
    """
    The prompt that a job optimizes, with its samples, in Bedrock's format.

    The record is stored in ``<prefix>/prompt_optimizations/<sha256>/input.jsonl``.
    """

    version: str
    templateId: str
    promptTemplate: str
    evaluationSamples: list[OptimizationSample]
    steeringCriteria: NotRequired[list[str]]
    customEvaluationMetricLabel: NotRequired[str]
    customLLMJConfig: NotRequired[OwnJudge]


class OptimizationTokens(TypedDict):
    """The estimated tokens of a whole job, because Bedrock does not state them. The judge also rewrites the prompt."""

    student_input: int
    student_output: int
    judge_input: int
    judge_output: int


class OptimizationJobManifest(TypedDict):
    """Result of a task that submits a prompt optimization job."""

    job_name: str
    job_arn: str
    arm: str
    fingerprint: str
    attempt: int
    bought: bool
    at_most_usd: float
    output_uri: str
    samples: int
    tokens: OptimizationTokens


class OptimizationResultManifest(TypedDict):
    """
    Result of a task that waits for a prompt optimization job.

    ``output_uri`` is the prefix in the request. The result is in ``<output_uri><id of the job>/``.
    """

    job_name: str
    job_arn: str
    arm: str
    status: str
    output_uri: str


class PromptFigures(TypedDict):
    """What a job measured with one prompt on its samples. Each figure is ``None`` if Bedrock does not state it."""

    score: float | None  # mean over the samples, from 0 to 1
    input_tokens: float | None  # mean per sample
    output_tokens: float | None


class OptimizedPrompt(TypedDict):
    """
    The prompt that a job optimized for an arm; ``optimized_prompts/<arm>.json`` in the run's folder.

    Both prompts contain ``{{document}}`` and ``{{question}}``. ``optimized`` comes from a model, so it is
    never rendered as a Jinja template: the two placeholders are replaced, and nothing else.
    """

    arm: str
    job_name: str
    job_arn: str
    samples: int
    judge: str  # key of the model that judged the answers
    original: str
    optimized: str
    before: PromptFigures
    after: PromptFigures


class OptimizedPromptManifest(TypedDict):
    """Result of the task ``collect``, which stores the optimized prompt of an arm. The price is of the whole job."""

    arm: str
    prompt_uri: str
    prompt_version: str  # the first 12 hex digits of the sha256 of the optimized prompt
    samples: int
    job_name: str
    bought: bool
    at_most_usd: float
    tokens: OptimizationTokens  # of the whole job, estimated
