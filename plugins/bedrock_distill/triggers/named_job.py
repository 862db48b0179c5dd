"""Wait in the triggerer for a job that Bedrock looks up by its ARN (the base class)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import Any

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.named_jobs import NamedJobs
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.abandoned_named_jobs import stop_named_job
from bedrock_distill.lifecycle.progress import describe_named_job, whole_job_cost
from bedrock_distill.run.task_ids import SUBMIT
from bedrock_distill.triggers.polling import PollingTrigger


class NamedJobTrigger(PollingTrigger):
    """
    Wait until a job has ended or no longer exists. ``name`` is the ARN of the job.

    :param at_most_usd: cost of the complete job in US dollars, for messages; ``None`` if it is not known.
    :cvar results: what AWS bills, after an article.
    :cvar submit: the task that buys the next attempt.
    """

    results: str
    submit = f"the task `{SUBMIT}` of the job"

    def __init__(self, *, at_most_usd: float | None = None, **common: Any) -> None:
        super().__init__(**common)
        self.at_most_usd = at_most_usd

    @abstractmethod
    def jobs(self, hook: BedrockDistillHook) -> NamedJobs[Any, Any]:
        """Return the client for jobs of this kind."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's import path and the arguments that the triggerer needs to re-create the trigger."""
        _, arguments = super().serialize()
        return f"{type(self).__module__}.{type(self).__name__}", {**arguments, "at_most_usd": self.at_most_usd}

    def has_ended(self, hook: BedrockDistillHook) -> bool:
        """Return whether the job has ended or no longer exists."""
        job = self.jobs(hook).get(self.name)
        if job is None:
            return True
        self.checks.status = describe_named_job(job)
        return bool(job.progress is not Progress.RUNNING)

    def cost_so_far(self, seconds: float) -> str:
        """Say what is billed so far, and what the whole job costs at most, if this is known."""
        return f"the {self.results} so far{whole_job_cost(self.at_most_usd)}"

    def jobs_of_run(self) -> Collection[str]:
        """Return the job."""
        return (self.name,)

    def give_up(self, hook: BedrockDistillHook) -> None:
        """Stop the job."""
        message = stop_named_job(
            self.jobs(hook),
            self.name,
            at_most_usd=self.at_most_usd,
            results=f"Its {self.results}",
            submit=self.submit,
        )
        if message:
            self.log.warning("%s", message)
