"""
End every error of a task with the same four lines: what happened, what is left, what is billed now, and what to do.

The code that raises an error states what only this code knows. The task states what it may have bought. This module
adds what only Airflow knows: the attempt, whether Airflow repeats the task, what other tasks of the run have bought,
and whether a wrong value is part of the run's own configuration, which clearing a task cannot change.
"""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any, Protocol

from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError, AirflowSensorTimeout, ErrorType

from bedrock_distill.policies.retry import next_attempt
from bedrock_distill.run.attempts import attempt_text
from bedrock_distill.run.failure_notes import store_note
from bedrock_distill.run.running_purchases import describe_running_purchases
from bedrock_distill.run.task_ids import PREFLIGHT
from include.distill.config.form_fields import new_run_advice
from include.distill.core.durations import format_duration
from include.distill.core.errors import (
    ContractError,
    DistillError,
    ExpiredCredentialsError,
    InputError,
    PossiblyBilledError,
    ReconciliationError,
    ServiceError,
    SpendCapError,
    UnexpectedError,
    then_clear,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from airflow.sdk import Context

log = logging.getLogger(__name__)

_UNKNOWN_STATE = "Everything that earlier tasks stored or bought is unchanged."
_UNKNOWN_COST = "The task cannot say what it has bought: look for endpoints and jobs in the Bedrock console."
HAPPENED, LEFT, BILLED, TO_DO = "What happened", "What is left", "What is billed now", "What to do"


class Explained(Protocol):
    """What the four lines need to know about a task."""

    task_id: str
    task_to_clear: str
    aws_conn_id: str
    described: Collection[str]
    retries_every_error: bool

    def state_left(self, error: Exception) -> str:
        """Return what the task leaves behind when it fails."""

    def billed_now(self, error: Exception) -> str:
        """Return a sentence for the log: what this task has bought, and whether AWS bills it now."""

    def after_wrong_input(self, error: Exception) -> str:
        """Return what to do if an input or a setting is wrong."""

    def without_airflow(self, error: Exception) -> str:
        """Return how a person stops the billing that the task should have stopped."""


def four_lines(task: Explained, context: Context, error: BaseException) -> str:
    """
    Return the text of an error that ends a task. The text ends with the four lines.

    If the message of the error has several lines, the text starts with the whole message, and the four lines contain
    only its first line. What happened, what to do and what is billed are also stored as a note of the task,
    because ``outcome`` and the message about the run repeat them.
    """
    stated = error if isinstance(error, DistillError) else DistillError(f"{type(error).__name__}: {error}")
    details, _, _ = stated.happened.partition("\n")
    happened = (
        stated.happened if details == stated.happened else f"{details.rstrip(':')}. The details are listed above."
    )
    billed, to_do = _billed(task, error, stated), _what_to_do(task, context, error, stated)
    store_note(context["ti"], {"to_do": to_do, "billed": billed, "happened": happened})
    if retry := _retry(task, context, error):
        to_do = f"Nothing yet: Airflow repeats the task by itself {retry}. If its last attempt fails too: {to_do}"
    lines = [
        f"{HAPPENED}: {_place(task, context)}: {happened}",
        f"{LEFT}: {stated.left or _said(task.state_left, error) or _UNKNOWN_STATE}",
        f"{BILLED}: {billed} {_billed_to_others(task, context)}",
        f"{TO_DO}: {to_do}",
    ]
    above = "" if details == stated.happened else f"{stated.happened}\n\n"
    return above + "\n".join(" ".join(line.split()) for line in lines)


def _said(say: Callable[[Any], str], error: BaseException) -> str:
    """
    Return what a method of the task, such as ``billed_now``, says about an error.

    If the method fails, for example because inputs of the task are missing, the text is empty.
    """
    try:
        return say(error)
    except Exception:
        log.debug("The task could not describe its error", exc_info=True)
        return ""


def _place(task: Explained, context: Context) -> str:
    ti = context["ti"]
    index = getattr(ti, "map_index", None)
    name = task.task_id if index in (None, -1) else f"{task.task_id}[{index}]"
    return f"{name} of run {ti.run_id} failed in {attempt_text(ti, getattr(task, 'retries', None))}"


def _billed(task: Explained, error: BaseException, stated: DistillError) -> str:
    own = _said(task.billed_now, error) or _UNKNOWN_COST
    if isinstance(error, PossiblyBilledError):
        return f"{own} {stated.billed or 'AWS may also bill the call whose answer was lost.'}"
    return stated.billed or own


def _billed_to_others(task: Explained, context: Context) -> str:
    others = describe_running_purchases(context, own_task=task.task_id, described=task.described)
    return "No other task of this run has an endpoint or a job that is billed." if others == "" else others or ""


def _what_to_do(task: Explained, context: Context, error: BaseException, stated: DistillError) -> str:
    advice = stated.advice(task.task_to_clear) or _default_step(task, error)
    conf: Mapping[str, Any] = getattr(context.get("dag_run"), "conf", None) or {}
    wrong = {key: conf[key] for key in stated.settings if conf.get(key) not in (None, "")}
    step = _with_new_run(wrong) if wrong else advice
    return f"{_said(task.without_airflow, error)} {step}".strip()


def _with_new_run(wrong: Mapping[str, Any]) -> str:
    new_run = new_run_advice(wrong)
    if any(key.endswith("_csv") for key in wrong):
        return (
            f"{new_run} If only the content of the file is wrong, correct the file and clear {PREFLIGHT} with"
            " downstream."
        )
    return new_run


def _retry(task: Any, context: Context, error: BaseException) -> str:
    """Return when Airflow repeats the task, such as ``in 60 s``; an empty string if it does not."""
    ti = context["ti"]
    if isinstance(error, AirflowFailException | AirflowSensorTimeout) or ti.try_number > ti.max_tries:
        return ""
    attempt = next_attempt(task, error, context)
    if not attempt.repeated:
        return ""
    delay = attempt.delay or getattr(task, "retry_delay", None)
    return f"in {format_duration(delay.total_seconds())}" if isinstance(delay, datetime.timedelta) else "soon"


def _default_step(task: Explained, error: BaseException) -> str:
    if isinstance(error, InputError | SpendCapError):
        return task.after_wrong_input(error)
    if isinstance(error, ExpiredCredentialsError):
        cause = f"Renew the credentials of the Airflow connection {task.aws_conn_id}."
    elif isinstance(error, ContractError | ReconciliationError):
        cause = "Report the error as a bug, with this log, and wait until it is corrected."
    elif isinstance(error, ServiceError):
        cause = "Correct what AWS's message names."
    elif isinstance(error, AirflowRuntimeError) and error.error.error is ErrorType.API_SERVER_ERROR:
        cause = "Airflow's own API did not answer. Check the API server and Airflow's database."
    elif isinstance(error, UnexpectedError) or not isinstance(error, DistillError):
        cause = (
            "Check the disk, the memory and the network of the machine that ran the task. If they are in order, report"
            " the error as a bug, with this log."
        )
    else:
        cause = "Correct the cause that the first line names."
    return then_clear(cause, task.task_to_clear)
