"""Pass the scores of all evaluation jobs to the report, even if some of the jobs failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.distill.managed_evaluation.records import ScoresManifest


class GatherScoresOperator(DistillOperator):
    """
    Return the results of the tasks ``collect`` that have one.

    The task runs when all of these tasks have ended, even if they failed. Of all tasks for evaluation jobs, the report
    depends on this one only, so it is written even if a job failed. This task costs nothing.

    :param scores: results of the tasks ``collect``, with ``None`` for a task without a result. (templated)
    :return: the results of the tasks that have one
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "scores")
    ui_color = "#fce8e6"
    waits_for = "the evaluation jobs to end"

    def __init__(self, *, scores: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scores = scores

    def execute(self, context: Context) -> list[ScoresManifest]:
        """Return the results, and log how many jobs have none."""
        found: list[ScoresManifest] = [result for result in self.scores if result]
        if missing := len(self.scores) - len(found):
            self.log.warning(
                "%d of %d evaluation jobs have no scores, so the report is written without these scores.",
                missing,
                len(self.scores),
            )
        return found
