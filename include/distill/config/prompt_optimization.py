"""
Define the settings of Bedrock's prompt optimization jobs, which rewrite the prompt of a base student.

The limits are those of Advanced Prompt Optimization on Amazon Bedrock:
https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-quotas.html (checked 2026-11-27)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from include.distill.config.arms import Arm, Comparison
from include.distill.config.catalog import load_catalog
from include.distill.config.job_settings import JobSettings, check_metric_name, check_variables
from include.distill.config.section import Hours, NonBlankText, Section
from include.distill.core.shown_values import shown

MOST_SAMPLES = 100
REGIONS = (
    *("us-east-1", "us-east-2", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2", "eu-central-1"),
    *("eu-central-2", "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2"),
)
# The models that judge in a job: https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-evaluation.html
JUDGE_IDS = (
    "anthropic.claude-opus-4-6-v1",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-sonnet-4-6",
)
DEFAULT_JUDGE = "claude-sonnet-4-6"  # judges if the use case names no judge
_VARIABLES = ("prompt", "response", "referenceResponse")
_NEEDED_VARIABLES = ("prompt", "response")


class OptimizationJudge(Section):
    """A model that judges the answers during a job, by the use case's own instructions."""

    model: str = DEFAULT_JUDGE
    metric: str = Field(pattern=r"^[0-9a-zA-Z_.-]+$", max_length=63, description="name of the metric, such as accuracy")
    instructions: str = Field(
        max_length=5_000,
        description="the request to the judge; must contain {{prompt}} and {{response}}, and state a scale on which a"
        " higher number is better",
    )

    @field_validator("model", mode="before")
    @classmethod
    def _model_can_judge(cls, name: object) -> object:
        # The message names only models that can judge. The catalog's own message would name any similar model.
        models = load_catalog().models.values()
        able = {model.key: model for model in models if model.foundation_id in JUDGE_IDS}
        for model in able.values():
            if name in (model.key, model.inference_id):
                return model.key
        is_known = any(name in (model.key, model.inference_id) for model in models)
        reason = (
            "which cannot judge in a prompt optimization job" if is_known else "which is not in include/models.yaml"
        )
        found = f"found {shown(name)}, {reason};" if isinstance(name, str) else f"found {shown(name)},"
        raise ValueError(f"{found} expected {' or '.join(able)}")

    @field_validator("metric")
    @classmethod
    def _metric_is_not_built_in(cls, name: str) -> str:
        return check_metric_name(name)

    @field_validator("instructions")
    @classmethod
    def _instructions_use_the_answer(cls, text: str) -> str:
        return check_variables(text, needed=_NEEDED_VARIABLES, known=_VARIABLES)


class PromptOptimization(JobSettings):
    """
    Settings for the jobs that rewrite the prompt of the arms with ``prompt: optimized``.

    A job asks the student for answers to samples, lets a judge score the answers, and rewrites the prompt, repeatedly.
    The samples are the first training rows. No evaluation row is used, because the evaluation must stay fair.
    """

    samples: int = Field(MOST_SAMPLES, ge=1, le=MOST_SAMPLES, description="use the first N training rows as samples")
    steering_criteria: tuple[Annotated[NonBlankText, Field(max_length=500)], ...] = Field(
        (), max_length=5, description="short descriptions of good answers, such as `CONCISE`"
    )
    judge: OptimizationJudge | None = None
    timeout_hours: Hours = 24

    @model_validator(mode="after")
    def _one_method_of_evaluation(self) -> PromptOptimization:
        if self.judge and self.steering_criteria:
            message = "found both judge and steering_criteria, expected at most one of them, as Bedrock demands"
            raise ValueError(message)
        return self

    @property
    def judge_model(self) -> str:
        """The key of the model that judges the answers during the job."""
        return self.judge.model if self.judge else DEFAULT_JUDGE


def optimization_problem(arms: Iterable[Arm], region: str) -> str | None:
    """Return why Bedrock cannot optimize the prompts of a use case's arms in a Region; ``None`` if it can."""
    optimized = [arm.name for arm in arms if arm.has_optimized_prompt]
    if not optimized or region in REGIONS:
        return None
    return (
        f"arm {optimized[0]} has prompt: optimized, but Bedrock optimizes no prompts in {region}; expected one of the"
        f" Regions {', '.join(REGIONS)}. Change aws.region, or remove the arm"
    )


def unused_prompt_problem(arm: Arm, pairs: Iterable[Comparison], scored: Collection[str]) -> str | None:
    """
    Return why the job that optimizes the prompt of an arm would be bought for nothing; ``None`` if it would not.

    :param scored: names of the arms whose answers Bedrock's evaluation jobs score.
    """
    compared = {name for pair in pairs for name in (pair.candidate, pair.baseline)}
    if not arm.has_optimized_prompt or arm.name in compared or arm.name in scored:
        return None
    return (
        f"arm {arm.name} has prompt: {arm.prompt}, but is in no comparison, so the job that optimizes its prompt would"
        " be bought for nothing; expected a comparison with the arm. Add one to comparisons, or remove the arm"
    )
