"""Wait for an evaluation job in the triggerer."""

from __future__ import annotations

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.triggers.named_job import NamedJobTrigger


class EvaluationJobTrigger(NamedJobTrigger):
    """Wait until an evaluation job has ended or no longer exists."""

    results = "scores"

    def jobs(self, hook: BedrockDistillHook) -> EvaluationJobs:
        """Return the client for evaluation jobs."""
        return EvaluationJobs(hook)
