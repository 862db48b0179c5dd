"""Wait for a prompt optimization job in the triggerer."""

from __future__ import annotations

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.prompt_optimizations import PromptOptimizationJobs
from bedrock_distill.run.task_ids import OPTIMIZE, SUBMIT
from bedrock_distill.triggers.named_job import NamedJobTrigger


class PromptOptimizationTrigger(NamedJobTrigger):
    """Wait until a prompt optimization job has ended or no longer exists."""

    results = "tokens"
    submit = f"the arm's task `{OPTIMIZE}.{SUBMIT}`"

    def jobs(self, hook: BedrockDistillHook) -> PromptOptimizationJobs:
        """Return the client for prompt optimization jobs."""
        return PromptOptimizationJobs(hook)
