"""Describe tasks that call models: their progress, what they have paid, and what stays stored after an error."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from bedrock_distill.run.access import RunAccess
from bedrock_distill.run.heartbeat import recorded_progress
from include.distill.core.errors import FAILED_TASK, PossiblyBilledError, TooManyFailuresError
from include.distill.progress.meter import Counts, ProgressMeter
from include.distill.progress.text import describe_progress
from include.distill.progress.writer import ProgressWriter
from include.distill.synthesis.failure_causes import advice_on_causes, describe_causes, failure_causes
from include.distill.synthesis.records import FailedRow

if TYPE_CHECKING:
    from airflow.sdk import Context


class ModelTask(RunAccess):
    """A mixin for the operators that call models. ``waits_for`` names what the task requests from the model."""

    waits_for = "the models' answers"
    meter: ProgressMeter | None = None

    def recorded_progress(self, context: Context, rows: int) -> AbstractContextManager[None]:
        """
        Return a context manager that stores the progress of the task in the run's folder while its block runs.

        :param rows: number of the task's rows. The block counts them with ``counting_rows`` of the task's calls.
        """
        index = context["ti"].map_index
        index = -1 if index is None else index
        self.meter = ProgressMeter(self.task_id, index, rows, self._counts)
        return recorded_progress(ProgressWriter(self.store, self.folder.task_progress(self.task_id, index), self.meter))

    def _counts(self) -> Counts:
        asked = self.asked
        return Counts(*asked.call_progress.counts, asked.spent_usd or 0.0) if asked else Counts(0, 0, 0, 0.0)

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
        """Return how many rows are done, how long the others take, and whether calls are throttled or fail."""
        if not self.asked or not self.meter:
            return ""
        parts = [describe_progress(self.meter.record()), self.asked.call_progress.describe_failures()]
        return ". ".join(part for part in parts if part)

    def cost_so_far(self) -> str:
        """Return what this run has paid for the task's answers."""
        spent = self.asked.spent_usd if self.asked else None
        return "only the calls that are answered are billed" if spent is None else f"${spent:.4f} for these answers"
