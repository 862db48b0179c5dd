"""
Ask people in Airflow to label the examples of a sample.

Texts that models wrote are shown as plain text. ``ask`` reads these texts from S3 when it shows the form. They are
never rendered as a template, and they are escaped, so they cannot look like a heading of the form.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import BaseOperator

from bedrock_distill.operators.label_question import question_body
from bedrock_distill.operators.records import LabelResponse
from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.label_task import LabelTask
from bedrock_distill.run.sample_access import SampleAccess
from include.distill.labeling.label_params import parse_label_params
from include.distill.labeling.records import SampleManifest
from include.distill.labeling.sample import LABEL_CHOICES, NO_ANSWER

if TYPE_CHECKING:
    from airflow.sdk import Context


class ListExamplesOperator(LabelTask, BaseOperator):
    """
    Return the indices of the examples that people label in Airflow. The next task is mapped over the indices.

    If people label on a sheet, or human workers label the examples, the list is empty. The task costs nothing.

    :param sample: manifest of the task ``draw_sample``. (templated)
    :return: the indices of the examples, from 0.
    """

    template_fields: Sequence[str] = ("sample",)
    ui_color = "#e6f4ea"

    def __init__(self, *, sample: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sample: SampleManifest = sample

    def execute(self, context: Context) -> list[int]:
        """Return the indices of the examples; there is one task ``ask`` for each of them."""
        return list(range(self.sample["examples"] if self.sample["how"] == "ask in Airflow" else 0))


class AskLabelOperator(LabelTask, SampleAccess, HITLOperator):
    """
    Ask a person which of two answers is better, without naming the arms.

    The question appears in Airflow's UI ("Required Actions"); the task waits without a worker slot. If no one answers
    in time, the choice is "No answer". Retrying or clearing the task asks again.

    :param number: number of the example, from 0. (templated)
    :param sample: manifest of the task ``draw_sample``. (templated)
    :param use_case_name: the use case of the DAG. A sample of another use case is refused.
    :return: the result of Airflow's ``HITLOperator`` (the choice and who made it) and ``number``.
    """

    # Not subject and body: they contain text that models wrote, which must not be rendered as a template.
    template_fields: Sequence[str] = ("number", "sample")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        number: int,
        sample: Any,
        use_case_name: str,
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        bucket_owners: Mapping[str, str] | None = None,
        kms_key_arn: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(subject="", options=list(LABEL_CHOICES), defaults=NO_ANSWER, **kwargs)
        self.number = number
        self.sample: SampleManifest = sample
        self.use_case_name = use_case_name
        self.aws_conn_id, self.region_name, self.bucket_owners = aws_conn_id, region_name, bucket_owners
        self.kms_key_arn = kms_key_arn

    def execute(self, context: Context) -> Any:
        """Ask a person which answer of the example is better, and wait for the choice."""
        example = self.open_sample()[int(self.number)]
        choice = parse_label_params(configuration_of(context), self.use_case_name)
        self.response_timeout = datetime.timedelta(hours=choice.hours)
        self.subject = f"Example {int(self.number) + 1} of {self.sample['examples']}: which answer is better?"
        self.body = question_body(example)
        self.log.info(
            "Waiting up to %g h for an answer in Required Actions of this run. Nothing is billed.", choice.hours
        )
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> LabelResponse:
        """Return the person's choice, with the number of the example."""
        response: LabelResponse = super().execute_complete(context, event)
        # A result's position can differ from its example's number: a task that is marked by hand has no result.
        return {**response, "number": int(self.number)}
