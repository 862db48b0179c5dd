"""Check before a run whether the installed boto3 has the operations that the use case needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_distill.hooks.aws_errors import SDK
from bedrock_distill.hooks.prompt_optimizations import CREATE_OPERATION
from include.distill.config.use_case import UseCase

if TYPE_CHECKING:
    from bedrock_distill.hooks.bedrock import BedrockDistillHook

OPTIMIZATION_SINCE = "1.43.10"


def sdk_problems(hook: BedrockDistillHook, use_case: UseCase) -> list[str]:
    """Return a message if arms have an optimized prompt, and the installed boto3 cannot create the job for it."""
    if not use_case.optimized_arms or hook.has_operation("bedrock", CREATE_OPERATION):
        return []
    return [
        f"arms {', '.join(use_case.optimized_arms)}: prompt: optimized needs the operation"
        f" CreateAdvancedPromptOptimizationJob, which the installed {SDK} does not have;"
        f" install boto3 {OPTIMIZATION_SINCE} or newer, or remove these arms from the use-case file"
    ]
