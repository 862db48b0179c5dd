"""Let the tasks that ask human workers work on the run of the sample, with the current settings of the workers."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_distill.run.label_task import LabelForm
from bedrock_distill.run.sample_access import SampleAccess
from include.distill.config.loader import load_use_case
from include.distill.config.use_case import UseCase

if TYPE_CHECKING:
    from airflow.sdk import Context

# These tasks find their run in the sample, so the folder that the DAG passes is only a placeholder.
RUN_OF_SAMPLE = "the run of the sample"


class WorkersTask(LabelForm, SampleAccess):
    """
    A mixin for the tasks that ask human workers. It must come before the base class of evaluation jobs.

    The task class sets ``use_cases``, the folder of use cases.
    """

    use_cases: Path

    def pre_execute(self, context: Context) -> None:
        """
        Find the run of the sample, and check that it is a run of this use case.

        The run belongs to another DAG, so the check that a run's folder belongs to the task's own DAG run does not
        apply.

        :raises InputError: the sample does not name a run of this use case.
        """
        self.open_sample()

    @cached_property
    def use_case(self) -> UseCase:
        """
        The use case that the run froze, with the current section ``evaluations``.

        A run may be older than the section, and workers can change after a run.
        """
        current = load_use_case(self.use_cases / f"{self.use_case_name}.yaml")
        frozen: UseCase = super().use_case
        return frozen.model_copy(update={"evaluations": current.evaluations})
