"""
Explain why a run failed: name each failed task, the last error in its log, and the path of the log.

Airflow logs one JSON object per line. The object of an error has the key ``error_detail``, which is a list of the
exceptions with the outermost one first.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

OUTCOME_TASK = "outcome"
# The error of `outcome` also says which jobs `outcome` stopped or could not stop. No other error says that.
MORE_THAN_NAMES = ("Stopped ", "could not be stopped")
TASKS_SHOWN = 5
NO_ERROR = (
    "The task's log contains no error. Probably a person marked the run or this task as failed. If nobody did, Airflow"
    " ended the task, and the scheduler's log says why."
)
ERROR_LEVELS = ("error", "critical", "exception")


@dataclass(frozen=True)
class Failure:
    """
    A failed task instance. ``log`` is None if it has no log file; ``error`` is None if its log contains no error.

    :ivar total: number of all instances of the task.
    """

    task: str
    error: str | None
    log: Path | None
    total: int = 1


def find_failures(instances: Iterable[Mapping[str, Any]], order: Sequence[str], task_logs: Path) -> list[Failure]:
    """List the failed tasks in the order of the DAG. The first failure probably caused the others."""
    positions = {task_id: position for position, task_id in enumerate(order)}
    instances = list(instances)
    totals = Counter(instance["task_id"] for instance in instances)
    failed = [instance for instance in instances if instance["state"] == "failed"]
    failed.sort(key=lambda row: (positions.get(row["task_id"], len(positions)), row["map_index"]))
    return [_examine(instance, task_logs, totals[instance["task_id"]]) for instance in failed]


def describe_failures(failures: Sequence[Failure], scheduler_log: Path) -> str:
    """
    Format the failures as text: the task, the error and the path of the log.

    Each error is shown once. Tasks with the same error are listed together. The task ``outcome`` fails whenever another
    task has failed, so it is left out unless its error says more than that.
    """
    others = [failure for failure in failures if failure.task != OUTCOME_TASK]
    same: dict[str | None, list[Failure]] = {}
    for failure in failures:
        if failure.task == OUTCOME_TASK and others and not _says_more(failure):
            continue
        same.setdefault(failure.error, []).append(failure)
    return "\n".join(_describe(alike, scheduler_log) for alike in same.values())


def last_error(lines: Iterable[str]) -> str | None:
    """Return the last error in a task's log; lines that are not JSON objects are ignored."""
    last = None
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            last = _error_of(record) or last
    return last


def log_file(instance: Mapping[str, Any], task_logs: Path) -> Path | None:
    """Return the log file of a task instance's latest attempt that has one; None if no attempt has a log file."""
    folder = task_logs / f"dag_id={instance['dag_id']}" / f"run_id={instance['dag_run_id']}"
    folder = folder / f"task_id={instance['task_id']}"
    if instance["map_index"] >= 0:
        folder = folder / f"map_index={instance['map_index']}"
    for attempt in range(instance.get("try_number") or 1, 0, -1):
        path = folder / f"attempt={attempt}.log"
        if path.is_file():
            return path
    return None


def _examine(instance: Mapping[str, Any], task_logs: Path, total: int) -> Failure:
    log = log_file(instance, task_logs)
    error = None
    if log is not None:
        with log.open(encoding="utf-8", errors="replace") as lines:
            error = last_error(lines)
    name = instance["task_id"]
    if instance["map_index"] >= 0:
        name += f"[{instance['map_index']}]"
    return Failure(name, error, log, total)


def _error_of(record: Mapping[str, Any]) -> str | None:
    details = record.get("error_detail")
    if isinstance(details, list) and details and isinstance(details[0], dict):
        kind, value = details[0].get("exc_type", "Error"), details[0].get("exc_value", "")
        return f"{kind}: {value}" if value else str(kind)
    if record.get("level") in ERROR_LEVELS and record.get("event"):
        return str(record["event"])
    return None


def _says_more(outcome: Failure) -> bool:
    """Return whether the error of the task ``outcome`` contains more than the names of the failed tasks."""
    return outcome.error is not None and any(word in outcome.error for word in MORE_THAN_NAMES)


def _names(failures: Sequence[Failure]) -> str:
    """Name the tasks. If many or all instances of a mapped task failed, name the task once, with the counts."""
    by_task: dict[str, list[Failure]] = {}
    for failure in failures:
        by_task.setdefault(failure.task.partition("[")[0], []).append(failure)
    names: list[str] = []
    for task, instances in by_task.items():
        count, total = len(instances), instances[0].total
        are_many = count > TASKS_SHOWN or count == total > 1
        names += [f"{task} ({count} of {total})"] if are_many else [failure.task for failure in instances]
    more = len(names) - TASKS_SHOWN
    return ", ".join(names[:TASKS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _describe(failures: Sequence[Failure], scheduler_log: Path) -> str:
    first = failures[0]
    error = first.error or NO_ERROR
    log = first.log if first.error and first.log else scheduler_log
    names = _names(failures)
    indented = error.replace("\n", "\n    ")
    return f"  {names}\n    {indented}\n    log: {log}"
