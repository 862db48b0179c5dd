"""Let the tasks that ask human workers work on the run of the sample, with the current settings of the workers."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from bedrock_distill.run.label_task import LabelForm
from bedrock_distill.run.sample_access import SampleAccess
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.use_case import UseCase

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.distill.labeling.records import SampleManifest

# These tasks find their run in the sample, so the folder that the DAG passes is only a placeholder.
RUN_OF_SAMPLE = "the run of the sample"


class WorkersTask(LabelForm, SampleAccess, BaseOperator):
    """
    Base class of the tasks that ask human workers. It must come before the base class of evaluation jobs.

    It is an operator, because Airflow wraps the constructors of operators only, and a task without a wrapped
    constructor cannot be created.

    :param sample: manifest of the task ``draw_sample``. (templated)
    :param use_case_name: the use case of the DAG. A sample of another use case is refused.
    :param use_cases: the folder of use cases, whose current section ``evaluations.human`` is used.
    :param run_uri: not used, because the sample names the run. (templated)
    """

    def __init__(
        self,
        *,
        sample: Any,
        use_case_name: str,
        use_cases: Path = USE_CASES_FOLDER,
        run_uri: str = RUN_OF_SAMPLE,
        **kwargs: Any,
    ) -> None:
        super().__init__(run_uri=run_uri, **kwargs)
        self.sample: SampleManifest = sample
        self.use_case_name = use_case_name
        self.use_cases = use_cases

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
