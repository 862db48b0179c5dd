"""Wait for the answers of human workers in the triggerer."""

from __future__ import annotations

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.lifecycle.abandoned_evaluations import stop_workers_job
from bedrock_distill.lifecycle.progress import whole_job_cost
from bedrock_distill.triggers.evaluation import EvaluationJobTrigger


class WorkerAnswersTrigger(EvaluationJobTrigger):
    """Wait until a job for human workers has ended or no longer exists."""

    def cost_so_far(self, seconds: float) -> str:
        """Say that each answer is billed, and what all answers cost at most, if this is known."""
        return f"each answer of a worker{whole_job_cost(self.at_most_usd)}"

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Stop the job."""
        if message := stop_workers_job(EvaluationJobs(hook), self.name, at_most_usd=self.at_most_usd):
            self.log.warning("%s", message)
