"""
Summarize the task instances of a run as steps that a newcomer understands.

A step is a task of the DAG with all its mapped instances. The words for the states can be understood without knowing
Airflow. "waiting" means that the task is deferred; "not run" means that the task was skipped or could not run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PENDING, QUEUED, RUNNING, WAITING, RETRYING = "pending", "queued", "running", "waiting", "retrying"
DONE, FAILED, NOT_RUN = "done", "failed", "not run"
ACTIVE = (QUEUED, RUNNING, WAITING, RETRYING)
FINISHED = (DONE, FAILED, NOT_RUN)

WORDS = {
    "scheduled": PENDING,
    "queued": QUEUED,
    "running": RUNNING,
    "restarting": RUNNING,
    "deferred": WAITING,
    "awaiting_input": WAITING,
    "up_for_reschedule": WAITING,
    "up_for_retry": RETRYING,
    "success": DONE,
    "failed": FAILED,
    "upstream_failed": NOT_RUN,
    "skipped": NOT_RUN,
    "removed": NOT_RUN,
}


@dataclass(frozen=True)
class Step:
    """One task of the DAG: its state as a word, the number of successful instances, and the time taken so far."""

    task_id: str
    state: str
    done: int
    total: int
    mapped: bool
    seconds: float | None

    @property
    def count(self) -> str:
        """The number of successful instances of a mapped step, such as "12/20"; empty for other steps."""
        return f"{self.done}/{self.total}" if self.mapped else ""


def summarize(instances: Iterable[Mapping[str, Any]], order: Sequence[str], now: datetime) -> list[Step]:
    """
    Combine the task instances that the API lists into one step per task.

    :param order: task ids in display order; other tasks follow in alphabetical order.
    """
    by_task: dict[str, list[Mapping[str, Any]]] = {task_id: [] for task_id in order}
    for instance in sorted(instances, key=lambda row: str(row["task_id"])):
        by_task.setdefault(instance["task_id"], []).append(instance)
    return [_summarize_step(task_id, of_task, now) for task_id, of_task in by_task.items()]


def describe(step: Step, width: int) -> str:
    """Format a step as one line: state, name, count, time."""
    return f"{step.state:<8}  {step.task_id:<{width}}  {step.count:>7}  {clock(step.seconds):>6}".rstrip()


def headline(steps: Sequence[Step], elapsed_seconds: float) -> str:
    """Describe the progress of the run in one line."""
    finished = sum(step.state in FINISHED for step in steps)
    failed = sum(step.state == FAILED for step in steps)
    text = f"{finished} of {len(steps)} steps finished after {clock(elapsed_seconds)}"
    return f"{text}, {failed} failed" if failed else text


def changes(before: Sequence[Step], after: Sequence[Step]) -> list[Step]:
    """
    List the steps that a plain log should mention: those that started and those that finished.

    Queued steps are left out, because they would only make the log longer.
    """
    states_before = {step.task_id: step.state for step in before}
    shown = (RUNNING, WAITING, RETRYING, *FINISHED)
    return [step for step in after if step.state in shown and states_before.get(step.task_id) != step.state]


def clock(seconds: float | None) -> str:
    """Format a duration as m:ss."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _summarize_step(task_id: str, instances: Sequence[Mapping[str, Any]], now: datetime) -> Step:
    words = [WORDS.get(str(instance["state"]), PENDING) for instance in instances]
    return Step(
        task_id=task_id,
        state=_combine(words),
        done=words.count(DONE),
        total=len(words),
        mapped=any(instance["map_index"] >= 0 for instance in instances),
        seconds=_seconds(instances, now),
    )


def _combine(words: Sequence[str]) -> str:
    """Combine the states of a step's instances into one. An unfinished state takes precedence over a final one."""
    counts = Counter(words)
    for word in (RUNNING, WAITING, RETRYING, QUEUED):
        if counts[word]:
            return word
    if counts[PENDING] or not words:
        return RUNNING if any(counts[word] for word in FINISHED) else PENDING
    if counts[FAILED]:
        return FAILED
    return DONE if counts[DONE] else NOT_RUN


def _seconds(instances: Sequence[Mapping[str, Any]], now: datetime) -> float | None:
    starts = [_moment(instance["start_date"]) for instance in instances if instance.get("start_date")]
    if not starts:
        return None
    ends = [_moment(instance["end_date"]) if instance.get("end_date") else now for instance in instances]
    return max(0.0, (max(ends) - min(starts)).total_seconds())


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
