"""Describe tasks that call models: how far they are, what they have paid, and what stays stored after an error."""

from __future__ import annotations

from bedrock_distill.run.access import RunAccess


class ModelTask(RunAccess):
    """A mixin for the operators that call models. ``waits_for`` is what the task asks its model for."""

    waits_for = "the models' answers"

    def state_left(self, error: Exception) -> str:
        """Return what the task leaves behind when it fails."""
        return "All answers so far are stored, and are not paid for again."

    def billed_now(self, error: Exception) -> str:
        """Return what the task has paid for."""
        spent = self.asked.spent_usd if self.asked else None
        if spent is None:
            return "Only the calls that a model answered are billed. Nothing by this task continues to be billed."
        return (
            f"This run has paid ${spent:.4f} for the answers that {self.task_id} has so far. Nothing by this task"
            " continues to be billed."
        )

    def progress(self) -> str:
        """Return how many answers the task has, and whether calls are throttled or fail."""
        return self.asked.describe_progress() if self.asked else ""

    def cost_so_far(self) -> str:
        """Return what this run has paid for the task's answers."""
        spent = self.asked.spent_usd if self.asked else None
        return "only the calls that are answered are billed" if spent is None else f"${spent:.4f} for these answers"
