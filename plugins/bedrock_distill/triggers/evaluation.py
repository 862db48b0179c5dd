"""Wait for an evaluation job in the triggerer."""

from __future__ import annotations

from typing import Any

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.abandoned_evaluations import stop_evaluation
from bedrock_distill.lifecycle.progress import describe_evaluation, evaluation_cost
from bedrock_distill.triggers.polling import PollingTrigger


class EvaluationJobTrigger(PollingTrigger):
    """
    Wait until an evaluation job has ended or no longer exists. ``name`` is the ARN of the job.

    :param at_most_usd: cost of the complete job in US dollars, for messages; ``None`` if it is not known.
    """

    def __init__(self, *, at_most_usd: float | None = None, **common: Any) -> None:
        super().__init__(**common)
        self.at_most_usd = at_most_usd

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's import path and the arguments that the triggerer needs to re-create the trigger."""
        _, arguments = super().serialize()
        return f"{type(self).__module__}.{type(self).__name__}", {**arguments, "at_most_usd": self.at_most_usd}

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Return whether the job has ended or no longer exists."""
        job = EvaluationJobs(hook).get(self.name)
        if job is None:
            return True
        self.checks.status = describe_evaluation(job)
        return job.progress is not Progress.RUNNING

    def cost_so_far(self, seconds: float) -> str:
        """Say that the scores so far are billed, and what the whole job costs at most, if this is known."""
        return f"the scores so far{evaluation_cost(self.at_most_usd)}"

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Stop the job."""
        if message := stop_evaluation(EvaluationJobs(hook), self.name, at_most_usd=self.at_most_usd):
            self.log.warning("%s", message)
