"""Ask a person in Airflow's UI ("Required Actions") to approve what a run is about to do."""

from __future__ import annotations

import abc
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.execution_time.comms import CreateHITLDetailPayload
from airflow.sdk.execution_time.hitl import HITLUser

from bedrock_distill.lifecycle.run_task import RunTask
from bedrock_distill.operators.records import HumanResponse
from bedrock_distill.run.access import require_run_uri
from bedrock_distill.run.explained_task import ExplainedTask
from include.distill.config.promotion_rule import Approver
from include.distill.core.errors import RefusedError
from include.distill.evaluation.approval import ASKED
from include.distill.report.markdown import as_text

if TYPE_CHECKING:
    from airflow.sdk import Context


@dataclass(frozen=True)
class Question:
    """
    A question to a person.

    :param body: Markdown. Text from models and files must be escaped.
    :param asked: a hash of what the person is asked to approve.
    :param approvers: the only users who may answer. If the list is empty, Airflow's permissions decide who may.
    :param hours: how long the task waits for an answer. If nobody has answered by then, the answer is "Reject".
    :param meanwhile: what is billed while the task waits, and what happens without an answer, as sentences.
    """

    subject: str
    body: str
    asked: str
    approvers: Sequence[Approver]
    hours: float
    meanwhile: str


class AskPersonOperator(ExplainedTask, ApprovalOperator):
    """
    Base class of the operators that ask a person to approve something. It needs no run folder.

    The task waits without a worker slot. If no one answers in time, the answer is "Reject". If there are approvers,
    Airflow accepts an answer only from them. Retrying or clearing the task asks again. Airflow then shows the text of
    the first question of the run again, so the task fails if the question has changed.

    :return: the result of Airflow's ``ApprovalOperator`` (the choice and who made it), and ``asked``, a hash of what
        the person was asked to approve. If nobody had to be asked, the whole result is ``None``.
    :raises RefusedError: Airflow would show the person an earlier question.
    """

    # Not subject and body: they contain text from models and files, which must not be rendered as a template.
    template_fields: Sequence[str] = ()
    ui_color = "#fef7e0"
    current_question: Question | None = None  # for Airflow's `notifiers`

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(subject="", defaults=self.REJECT, **kwargs)

    @abc.abstractmethod
    def open_place(self, context: Context) -> None:
        """Find the place in S3 and the use case, and check that they belong to this DAG run."""

    @abc.abstractmethod
    def question(self, context: Context) -> Question | None:
        """Return the question; ``None`` if nobody has to be asked."""

    def keep_answer(self, context: Context, response: HumanResponse) -> None:
        """Store the answer outside of Airflow. After a rejection, this runs before Airflow skips the later tasks."""

    def execute(self, context: Context) -> Any:
        """Ask the person, and wait for the answer."""
        self.open_place(context)
        question = self.question(context)
        if question is None:
            return None
        self.response_timeout = datetime.timedelta(hours=question.hours)
        approvers = [HITLUser(id=one.id, name=one.name) for one in question.approvers]
        self.assigned_users = approvers or None
        self.subject, self.body = question.subject, question.body
        self.current_question = question
        if approvers:  # Airflow's page does not show who may answer
            self.body += f"\n\nOnly these users may answer: {as_text(', '.join(user['name'] for user in approvers))}."
        self._require_present_text(context)
        context["ti"].xcom_push(key=ASKED, value=question.asked)
        self.log.info(
            "Waiting for %s, for up to %g h: open this run and press Required Actions. %s",
            ", ".join(user["name"] for user in approvers) or "a person's answer",
            question.hours,
            question.meanwhile,
        )
        return super().execute(context)

    def _require_present_text(self, context: Context) -> None:
        """
        Create the question in Airflow, and check that Airflow stored this text.

        If the task was retried or cleared, Airflow has the question of the first attempt, and keeps its text and the
        users who may answer. A person would then approve figures that the page does not show.
        """
        from airflow.sdk.execution_time import task_runner

        question = CreateHITLDetailPayload(
            ti_id=context["ti"].id,
            options=self.options,
            subject=self.subject,
            body=self.body,
            defaults=self.defaults,
            params=self.serialized_params,
            multiple=self.multiple,
            assigned_users=[{"id": user["id"], "name": user["name"]} for user in self.assigned_users or []],
        )
        shown: Any = task_runner.SUPERVISOR_COMMS.send(msg=question)
        if (shown.subject, shown.body) != (self.subject, self.body):
            raise RefusedError(
                f"{self.task_id} asked a question before in this run, and the figures or the approvers have changed"
                " since. Airflow would show the earlier question again, so nobody is asked.",
                left="Nothing was changed, and everything that is paid for stays stored.",
                billed="This task bought nothing.",
                to_do="Trigger a new run. It reuses what is stored, and asks about the current figures.",
            )

    def execute_complete(self, context: Context, event: dict[str, Any]) -> HumanResponse:
        """Return the person's choice, with the hash of what the person was asked to approve."""
        ti = context["ti"]
        asked = ti.xcom_pull(task_ids=ti.task_id, key=ASKED)
        if "error" not in event:
            # After a rejection, Airflow's operator raises an exception to skip the later tasks, and returns nothing.
            answer: HumanResponse = {
                "chosen_options": event["chosen_options"],
                "params_input": event["params_input"] or {},
                "responded_at": event["responded_at"],
                "responded_by_user": event["responded_by_user"],
                "asked": asked,
            }
            self.keep_answer(context, answer)
            ti.xcom_push(key="return_value", value=answer)
        response: HumanResponse = super().execute_complete(context, event)
        return {**response, "asked": asked}


class HumanApprovalOperator(RunTask, AskPersonOperator):
    """
    Base class of the operators that ask a person to approve what a run with a folder is about to do.

    See :class:`AskPersonOperator`.
    """

    template_fields: Sequence[str] = ("run_uri",)

    def __init__(
        self,
        *,
        run_uri: str = "",
        aws_conn_id: str = "aws_default",
        region_name: str | None = None,
        bucket_owners: Mapping[str, str] | None = None,
        kms_key_arn: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        require_run_uri(self.task_id, run_uri)
        self.run_uri = run_uri
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.bucket_owners = bucket_owners
        self.kms_key_arn = kms_key_arn

    def open_place(self, context: Context) -> None:
        """Check that the folder belongs to this DAG run."""
        RunTask.pre_execute(self, context)

    def pre_execute(self, context: Context) -> None:
        """
        Check nothing here; ``execute`` checks the folder.

        Airflow also calls this method after the wait. If a check failed then, the answer would be lost.
        """
