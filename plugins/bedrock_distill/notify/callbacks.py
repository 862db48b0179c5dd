"""
Connect the events of tasks with the channels of a use case.

The functions return arguments for operators. Without a channel that wants an event, they return no arguments. Airflow
calls the notifiers in the process of the task, when its code has ended or before it begins to wait for a person.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.notifier import BaseNotifier

from bedrock_distill.notify.failures import failure_messages, sweep_failure_messages
from bedrock_distill.notify.results import (
    estimate_messages,
    promotion_messages,
    question_messages,
    report_messages,
    sweep_messages,
)
from bedrock_distill.notify.sending import Recipients, Sending
from include.distill.config.notifications import Event
from include.distill.config.use_case import UseCase
from include.distill.notification.message import Message

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)
Messages = Callable[["Context"], Iterable[Message]]


class EventNotifier(BaseNotifier):
    """
    Send the messages about an event to all channels that want it.

    It never raises an exception, and nothing in it is rendered as a template.

    :param messages: returns the messages, given the context of the task.
    """

    template_fields: Sequence[str] = ()

    def __init__(self, recipients: Recipients, messages: Messages) -> None:
        super().__init__()
        self.recipients = recipients
        self.messages = messages

    def __call__(self, *arguments: Any) -> None:
        """Send the messages. Airflow's own method would first render templates."""
        self.notify(arguments[0])

    def notify(self, context: Context) -> None:
        """Send the messages at the same time, and wait for a limited time."""
        sending = Sending(self.recipients)
        try:
            for message in self.messages(context):
                sending.start(message)
        except Exception:  # a message that cannot be written must not affect the run
            log.warning("A notification could not be written. The run is not affected.", exc_info=True)
        sending.wait()


def on_failure(use_case: UseCase) -> dict[str, Any]:
    """Return the arguments of all tasks of a use case that report failures."""
    return _arguments("on_failure_callback", use_case, failure_messages, "failed", "still_billed", "budget")


def on_report(use_case: UseCase) -> dict[str, Any]:
    """Return the arguments of the task that writes the report."""
    return _arguments("on_success_callback", use_case, report_messages, "verdict", "drift")


def on_promotion(use_case: UseCase) -> dict[str, Any]:
    """Return the arguments of the task that promotes a winner."""
    return _arguments("on_success_callback", use_case, promotion_messages, "promoted")


def on_estimate(use_case: UseCase) -> dict[str, Any]:
    """Return the arguments of the task that estimates the cost of a run."""
    return _arguments("on_success_callback", use_case, estimate_messages, "budget")


def on_question(use_case: UseCase) -> dict[str, Any]:
    """Return the arguments of a task that asks a person."""
    return _arguments("notifiers", use_case, question_messages, "waits_for_approval")


def on_sweep(use_cases: Sequence[UseCase], aws_conn_id: str) -> dict[str, Any]:
    """Return the arguments of a task that looks for endpoints which no run uses, in a Region of these use cases."""
    failed = on_forgotten_workers(use_cases, aws_conn_id)
    if not failed:
        return {}
    recipients = Recipients.of_all(use_cases, aws_conn_id)
    return {**failed, "on_success_callback": [EventNotifier(recipients, sweep_messages)]}


def on_forgotten_workers(use_cases: Sequence[UseCase], aws_conn_id: str) -> dict[str, Any]:
    """Return the arguments of a task that stops forgotten jobs of human workers, in a Region of these use cases."""
    recipients = Recipients.of_all(use_cases, aws_conn_id)
    if not any(one.wants("still_billed") for one in recipients.channels):
        return {}
    return {"on_failure_callback": [EventNotifier(recipients, sweep_failure_messages)]}


def _arguments(
    argument: str,
    use_case: UseCase,
    write: Callable[[UseCase, Context], Iterable[Message]],
    *events: Event,
) -> dict[str, Any]:
    if not any(use_case.notifies(event) for event in events):
        return {}
    return {argument: [EventNotifier(Recipients.of(use_case), partial(write, use_case))]}
