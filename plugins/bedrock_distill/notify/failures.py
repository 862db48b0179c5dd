"""
Write the messages about a failed task.

A failure usually fails the whole run within minutes, and then ``outcome`` states everything that a person has to do. So
a failed task is reported at once only if other tasks go on, which may take days. Only the first of them is reported.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bedrock_distill.notify.origin import origin_of
from bedrock_distill.run.failure_notes import read_note
from bedrock_distill.run.four_lines import BILLED, HAPPENED, LEFT, TO_DO
from bedrock_distill.run.task_ids import OUTCOME, RELEASE, SETTLE, UNDEPLOY
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.config.use_case import UseCase
from include.distill.core.errors import BudgetExceededError, BudgetUnknownError, then_clear
from include.distill.notification.events import Cause, Origin, budget_refused, failed, still_billed
from include.distill.notification.links import Place
from include.distill.notification.message import Message

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

_STOPS_BILLING = (RELEASE, UNDEPLOY, SETTLE)
_ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_LINKED = 3  # failed tasks
_LABELS = (HAPPENED, LEFT, BILLED, TO_DO)


def failure_messages(use_case: UseCase, context: Context) -> Iterator[Message]:
    """Yield the messages about a task of a run that has failed after all retries."""
    name = context["ti"].task_id.rpartition(".")[2]
    if isinstance(context.get("exception"), BudgetExceededError | BudgetUnknownError):
        yield budget_refused(origin_of(context, use_case.name), explained(context))
    if name in _STOPS_BILLING:
        origin = origin_of(context, use_case.name)
        yield still_billed(origin, _may_be_billed(origin), explained(context))
    elif name == OUTCOME or _must_be_sent_now(context):
        origin = origin_of(context, use_case.name)
        causes = _failed_tasks(context, origin.place) if name == OUTCOME else []
        yield failed(origin, explained(context), whole_run=name == OUTCOME, causes=causes)


def sweep_failure_messages(context: Context) -> Iterator[Message]:
    """
    Yield the message about a sweep that failed.

    The sweeper runs every 15 minutes. If the task failed in its previous run too, a message is sent only once an hour.
    """
    if _failed_before(context) and context["dag_run"].run_after.minute >= 15:
        return
    origin = origin_of(context)
    yield still_billed(origin, _may_be_billed(origin), explained(context))


def explained(context: Context) -> list[str]:
    """Return the four lines with which a task's error ends, or what is known if the task has no such error."""
    error = str(context.get("exception") or "")
    lines = [line for line in error.splitlines()[-len(_LABELS) :] if line.partition(":")[0] in _LABELS]
    if len(lines) == len(_LABELS):
        return lines
    task_id = context["ti"].task_id
    reason = error.partition("\n")[0] or "Airflow or a person ended it, or its process was killed"
    return [
        f"{HAPPENED}: {task_id} of run {context['ti'].run_id} failed: {reason}",
        f"{BILLED}: this is not known. {OUTCOME} names the endpoints and the jobs of the run that are billed.",
        f"{TO_DO}: read the log of the task. {then_clear('', task_to_clear(task_id))}",
    ]


def _may_be_billed(origin: Origin) -> str:
    return f"{origin.place.name} failed, so what it should stop may still be billed"


def _must_be_sent_now(context: Context) -> bool:
    """Return whether a failed task is the first one of its run, and other tasks of the run go on."""
    try:
        states = _states(context)
        return _is_first(context, states) and _run_goes_on(context, states)
    except Exception:  # a message too many is better than none
        log.debug("It cannot be seen whether the run goes on", exc_info=True)
        return True


def _states(context: Context) -> Mapping[str, str | None]:
    ti: Any = context["ti"]
    states: Mapping[str, str | None] = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
    return states


def _failed_tasks(context: Context, place: Place) -> list[Cause]:
    """Return the first failed tasks of a run, so that a message can give their reasons and link to their logs."""
    try:
        tasks: Any = context["dag"].tasks
        mapped = {task.task_id for task in tasks if task.is_mapped}
        names = [name for name, state in _states(context).items() if state == "failed" and name != OUTCOME]
    except Exception:  # the message is sent without the links
        log.debug("The failed tasks of the run cannot be seen", exc_info=True)
        return []
    found = []
    for name in names[:_LINKED]:
        task_id = _task_of(name, mapped)
        index = -1 if task_id == name else int(name.rpartition("_")[2])
        note = read_note(context["ti"], task_id, None if index == -1 else index)
        reason = note.get("happened", "") if note else ""
        found.append(Cause(dataclasses.replace(place, task_id=task_id, map_index=index), reason))
    return found


def _is_first(context: Context, states: Mapping[str, str | None]) -> bool:
    ti: Any = context["ti"]
    is_mapped = ti.map_index is not None and ti.map_index >= 0
    own = f"{ti.task_id}_{ti.map_index}" if is_mapped else ti.task_id
    return all(state != "failed" for name, state in states.items() if name != own)


def _run_goes_on(context: Context, states: Mapping[str, str | None]) -> bool:
    """Return whether a task that does not wait for the failed one is still to run, apart from teardowns."""
    task: Any = context["task"]
    own = task.get_flat_relative_ids(upstream=False) | {task.task_id}
    tasks: Any = context["dag"].tasks
    mapped = {other.task_id for other in tasks if other.is_mapped}
    unfinished = {_task_of(name, mapped) for name, state in states.items() if state not in _ENDED}
    return any(other.task_id in unfinished for other in tasks if other.task_id not in own and not other.is_teardown)


def _task_of(name: str, mapped: Collection[str]) -> str:
    """Return the task of an instance, which Airflow calls ``synthesize_3`` if the task is mapped."""
    task_id, _, number = name.rpartition("_")
    return task_id if task_id in mapped and number.isdecimal() else name


def _failed_before(context: Context) -> bool:
    """Return whether the same task failed in the previous run. Another task of that run may have failed alone."""
    ti: Any = context["ti"]
    try:
        previous = ti.get_previous_dagrun()
        if previous is None or previous.state != "failed":
            return False
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[previous.run_id])[previous.run_id]
    except Exception:
        log.debug("The previous run cannot be read", exc_info=True)
        return False
    return bool(states.get(ti.task_id) == "failed")
