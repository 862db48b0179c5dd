"""Describe tasks that call models: their progress, what they have paid, and what stays stored after an error."""

from __future__ import annotations

from collections.abc import Sequence

from bedrock_distill.run.access import RunAccess
from include.distill.core.errors import FAILED_TASK, PossiblyBilledError, TooManyFailuresError
from include.distill.synthesis.failure_causes import advice_on_causes, describe_causes, failure_causes
from include.distill.synthesis.records import FailedRow


class ModelTask(RunAccess):
    """A mixin for the operators that call models. ``waits_for`` names what the task requests from the model."""

    waits_for = "the models' answers"

    def state_left(self, error: Exception) -> str:
        """Return what the task leaves behind when it fails."""
        return "All answers so far are stored, and are not paid for again."

    def billed_now(self, error: Exception) -> str:
        """Return what the task has paid for."""
        spent = self.asked.spent_usd if self.asked else None
        if spent is None:
            return "Only the calls that a model answered are billed. The task has nothing that is billed by the hour."
        return (
            f"This run has paid ${spent:.4f} for the answers that {self.task_id} has so far. The task has nothing"
            " that is billed by the hour."
        )

    def failed_calls(self, what: str, failed: Sequence[FailedRow], *, left: str = "") -> TooManyFailuresError:
        """
        Return an error about rows that have no answer after the last attempt, with advice on each cause.

        :param what: the start of the message, up to the colon, such as ``Arm a has no answer from m for 3 of 9 rows``.
        :param left: what is left after the error; if it is empty, the error uses :meth:`state_left`.
        """
        causes = failure_causes(failed)
        error = TooManyFailuresError(
            f"{what}: {describe_causes(causes)}",
            left=left,
            to_do=advice_on_causes(causes),
            then_clear=FAILED_TASK,
            effect="requests only the missing answers",
        )
        if lost := sum(row["reason"] == PossiblyBilledError.__name__ for row in failed):
            error.billed = (
                f"{self.billed_now(error)} AWS may also bill the calls whose answers were lost (rows: {lost})."
            )
        return error

    def progress(self) -> str:
        """Return how many answers the task has, and whether calls are throttled or fail."""
        return self.asked.describe_progress() if self.asked else ""

    def cost_so_far(self) -> str:
        """Return what this run has paid for the task's answers."""
        spent = self.asked.spent_usd if self.asked else None
        return "only the calls that are answered are billed" if spent is None else f"${spent:.4f} for these answers"
