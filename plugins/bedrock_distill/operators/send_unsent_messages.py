"""Send the notifications that were stored but not sent."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.explained_task import ExplainedTask
from include.distill.config.environment import environment_name
from include.distill.config.loader import USE_CASES_FOLDER, load_use_cases
from include.distill.config.run_configuration import refuse_unknown_keys
from include.distill.core.errors import OutcomeError
from include.distill.notification.records import ResentManifest

if TYPE_CHECKING:
    from airflow.sdk import Context


class SendUnsentMessagesOperator(ExplainedTask, BaseOperator):
    """
    Send the notifications of all use cases that were stored in S3 but not sent.

    A task stores its messages before it sends them, and waits for the channels only for seconds. This task sends what
    is left, with a note that the message is late. It removes a message that is older than a day or whose channel no
    longer gets the event. If a channel fails again, the task succeeds, and the next run of the DAG tries again. It
    leaves objects that are no messages, and a warning in the log names them. The task costs nothing.

    :param use_cases: the folder of use cases. Their current files name the channels.
    :return: ``{"sent": int, "failed": int, "waiting": int, "stale": int, "gone": int, "unreadable": int}``
    :raises InputError: the run was triggered with a configuration. This DAG reads none, so nothing was sent.
    :raises UseCaseError: the variable that names this environment is not set or not valid; nothing was sent.
    :raises OutcomeError: S3 did not list or return the messages of a use case; the others were sent.
    """

    ui_color = "#fce8e6"
    retries_every_error = True
    waits_for = "the channels to accept the unsent notifications"

    def __init__(self, *, use_cases: Path = USE_CASES_FOLDER, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_cases = use_cases

    @property
    def task_to_clear(self) -> str:
        """Return the task to clear, and when to clear it."""
        return f"{self.task_id} if you do not want to wait for the next run of this DAG"

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: messages that were sent are gone, and all others are still stored."""
        return "Messages that were sent before the error are removed. All others are still stored, for a day."

    def execute(self, context: Context) -> ResentManifest:
        """Send each stored message that is older than two minutes."""
        from bedrock_distill.notify.resending import Resending

        refuse_unknown_keys(
            configuration_of(context), (), dag_id="distill_release_leftovers", state="Nothing was sent."
        )
        environment_name()  # without a valid name, no use case is valid, and the task would find nothing to send
        resending = Resending(datetime.datetime.now(datetime.UTC))
        done = resending.run(load_use_cases(self.use_cases).valid)
        self.log.info("Unsent notifications: %s", ", ".join(f"{number} {name}" for name, number in done.items()))
        if resending.problems:
            reasons = "; ".join(f"{place}: {problem}" for place, problem in resending.problems.items())
            raise OutcomeError(
                f"{len(resending.problems)} of the places of unsent notifications could not be read:"
                f" {reasons.rstrip('.')}.",
                left="The unsent notifications in all other places were sent or are tried again.",
                billed="Nothing by this task. A message that was not sent may say what else is billed.",
                to_do="The next run of this DAG tries again, so do not clear anything. If AWS refused access, correct"
                " the Airflow connection in aws.conn_id of the use case before that. Until then, look at the runs of"
                " these use cases in Airflow's UI.",
            )
        return done
