"""
Make a task say what it does: four lines at the end of every error, and one line a minute while it works or waits.

Airflow calls a task in four places: to fill in its templates, before it starts, when it starts, and when it continues
after a wait. This module wraps the methods for all four, so no operator has to do it, and no operator can forget it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    DagRunTriggerException,
    DownstreamTasksSkipped,
)

from bedrock_distill.hooks.in_flight import IN_FLIGHT
from bedrock_distill.policies.retry import prevent_retry
from bedrock_distill.run.attempts import attempt_text
from bedrock_distill.run.four_lines import four_lines
from bedrock_distill.run.heartbeat import heartbeat, waiting_line
from bedrock_distill.run.task_ids import PREFLIGHT
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.core.errors import DistillError, UnexpectedError

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

# Exceptions that end a task without being errors.
_NOT_ERRORS = (AirflowSkipException, AirflowRescheduleException, DagRunTriggerException, DownstreamTasksSkipped)
# Exceptions whose class tells Airflow whether it may repeat the task.
_CLASSES_OF_AIRFLOW = (AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout)
_WRAPPED = ("pre_execute", "execute", "resume_execution", "render_template_fields")


def _explained(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method that Airflow calls. If one wrapped method calls another, only the outer one adds lines."""

    @functools.wraps(method)
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        context = _context(arguments, named)
        if context is None or "ti" not in context or "_explains" in self.__dict__:
            return method(self, *arguments, **named)
        self.__dict__["_explains"] = True
        self.__dict__["attempt"] = getattr(context["ti"], "try_number", 1)
        self.__dict__["attempt_text"] = attempt_text(context["ti"], getattr(self, "retries", None))
        try:
            with heartbeat(self.waiting_line, self.log.info):
                return method(self, *arguments, **named)
        except _NOT_ERRORS:
            raise
        except (Exception, AirflowTaskTimeout) as error:
            raise _with_four_lines(self, context, error).with_traceback(None) from None
        finally:
            del self.__dict__["_explains"]

    return call


def _context(arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    if "context" in named:
        return named["context"]
    return next((argument for argument in arguments if isinstance(argument, dict) and "ti" in argument), None)


def _with_four_lines(task: Any, context: Context, error: Exception | AirflowTaskTimeout) -> BaseException:
    """
    Return the error with the four lines as its text.

    An error of the pipeline or of Airflow keeps its class, because Airflow's retries depend on the class. The text of
    any other exception cannot be changed, so an :class:`UnexpectedError` takes its place. This function logs the
    traceback itself. Airflow would log the traceback after the four lines, and the four lines would then be far from
    the end of the log.
    """
    try:
        text = four_lines(task, context, error)
    except Exception:  # the error itself is more important than its explanation
        log.debug("The error could not be explained", exc_info=True)
        prevent_retry(task, error)
        return error
    if not isinstance(error, (DistillError, *_CLASSES_OF_AIRFLOW)):
        task.log.error("An unexpected error ended the task", exc_info=error)
        return UnexpectedError(text)
    task.log.debug("An error ended the task", exc_info=error)
    error.args = (text,)
    prevent_retry(task, error)
    return error


class ExplainedTask:
    """
    A mixin for all operators and sensors. It must come before Airflow's class in the list of base classes.

    A task overrides the methods below to say what it buys, what it leaves behind and what it waits for. They are also
    called when AWS does not answer, so they use only what the task already knows, and never call AWS.

    ``waits_for`` completes the sentence "The task waits for ..." in the log. It may refer to the task, as in
    ``"the {task.rows} rows to be split"``. ``described`` has the groups of other tasks whose jobs this task's error
    describes, so that nothing else is said about them. ``retries_every_error`` is true for a task whose DAG sets no
    retry policy.
    """

    task_id: str
    aws_conn_id: str = "aws_default"
    attempt: int = 1
    attempt_text: str = "attempt 1 of 1"
    waits_for: str = "its work to be done"
    described: Collection[str] = ()
    retries_every_error: bool = False
    log: Any

    @property
    def task_to_clear(self) -> str:
        """The task to clear after an error, as part of a sentence."""
        return task_to_clear(self.task_id)

    def state_left(self, error: Exception) -> str:
        """Return what the task leaves behind when it fails, as a sentence."""
        return "This task stored no result. Everything that earlier tasks stored or bought is unchanged."

    def billed_now(self, error: Exception) -> str:
        """Return a sentence for the log: what this task has bought, and whether AWS bills it now."""
        return f"Nothing by this task: {self.task_id} buys nothing."

    def after_wrong_input(self, error: Exception) -> str:
        """Return what to do if an input or a setting is wrong, as a sentence."""
        return f"Correct what the first line names, then clear {PREFLIGHT} with downstream. Nothing is bought twice."

    def without_airflow(self, error: Exception) -> str:
        """
        Return how a person stops the billing that this task should have stopped, as a sentence.

        The text is empty if there is no such billing.
        """
        return ""

    def progress(self) -> str:
        """Return the progress of the task, as a sentence; empty if it is not known."""
        return ""

    def cost_so_far(self) -> str:
        """Return what this task has cost so far, as the end of a sentence."""
        return "nothing, this task buys nothing"

    def waiting_line(self, seconds: float) -> str:
        """Return the line about a wait: what for, how long, progress, and cost so far."""
        unanswered = IN_FLIGHT.slowest()
        attempt = f"This is {self.attempt_text} of the task"
        return waiting_line(
            self.task_id,
            seconds,
            waits_for=self.waits_for.format(task=self),
            progress=self.progress(),
            unanswered=f"{unanswered}. {attempt}" if unanswered else "",
            cost_so_far=self.cost_so_far(),
        )

    @_explained
    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue after a wait."""
        return super().resume_execution(next_method, next_kwargs, context)  # type: ignore[misc]

    @_explained
    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Fill in the templates."""
        super().render_template_fields(context, jinja_env)  # type: ignore[misc]

    @_explained
    def _do_render_template_fields(self, *arguments: Any, **named: Any) -> None:
        """Fill in the templates of a mapped task, for which Airflow does not call :meth:`render_template_fields`."""
        super()._do_render_template_fields(*arguments, **named)  # type: ignore[misc]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _WRAPPED:
            if name in cls.__dict__:
                setattr(cls, name, _explained(cls.__dict__[name]))
