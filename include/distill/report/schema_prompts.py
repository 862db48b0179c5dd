"""Define the pydantic models for the optimized prompts in ``report.json``."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, NonNegativeFloat, PositiveInt

from include.distill.prompt_optimization.results import prompt_version
from include.distill.report.schema_arms import ArmSchema
from include.distill.report.schema_base import Section, Share, require


class PromptFiguresSchema(Section):
    """What the job measured with one prompt on its samples. A figure is null if Bedrock did not state it."""

    score: Share | None = Field(description="Mean score that the job's own judge gave to the answers, from 0 to 1.")
    input_tokens: NonNegativeFloat | None = Field(description="Mean number of input tokens per sample.")
    output_tokens: NonNegativeFloat | None = Field(description="Mean number of output tokens per sample.")


class OptimizedPromptSchema(Section):
    """
    The prompt that a job of Bedrock optimized for one arm.

    The scores cannot be compared with the judges' verdicts: the job's own judge gave them, on the samples for which the
    prompt was optimized.
    """

    arm: str = Field(description="Name of the arm that answers with the optimized prompt.")
    job_name: str = Field(description="Name of the prompt optimization job.")
    job_arn: str = Field(description="ARN of the prompt optimization job.")
    samples: PositiveInt = Field(description="Number of training rows that the job used as samples.")
    judge: str = Field(description="Key in models.yaml of the model that gave the scores.")
    original: str = Field(description="The prompt before the job, with `{{document}}` and `{{question}}`.")
    optimized: str = Field(description="The prompt after the job, with `{{document}}` and `{{question}}`.")
    before: PromptFiguresSchema = Field(description="Figures of the original prompt.")
    after: PromptFiguresSchema = Field(description="Figures of the optimized prompt.")


def check_prompts(prompts: Sequence[OptimizedPromptSchema], arms: Sequence[ArmSchema]) -> None:
    """
    Check that the optimized prompts belong to the arms of the report.

    :raises ValueError: an arm has two prompts, or no optimized prompt, or the version of another prompt.
    """
    names = [prompt.arm for prompt in prompts]
    require(len(set(names)) == len(names), f"prompt_optimization names an arm twice: {', '.join(names)}")
    versions = {arm.name: arm.prompt_version for arm in arms if arm.prompt}
    for prompt in prompts:
        require(prompt.arm in versions, f"prompt_optimization names {prompt.arm}, which has no optimized prompt")
        stated, found = versions[prompt.arm], prompt_version(prompt.optimized)
        require(
            stated == found, f"arm {prompt.arm} has prompt_version {stated}, but its prompt has the version {found}"
        )
    without = [name for name, version in versions.items() if version and name not in names]
    require(not without, f"{', '.join(without)} has a prompt_version, but no prompt in prompt_optimization")
