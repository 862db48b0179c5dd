"""Name the failed tasks of a run, and say in which order a person clears them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bedrock_distill.run.failure_notes import FailureNote, read_note
from bedrock_distill.run.running_purchases import unreleased_arms
from bedrock_distill.run.task_ids import OUTCOME, arm_task
from bedrock_distill.run.what_to_clear import task_to_clear
from include.distill.core.errors import then_clear

NEXT_ATTEMPT = "buys the next attempt if the job was stopped"
_NAMES_SHOWN = 5
_RUNS = (
    *("running", "deferred", "queued", "scheduled", "restarting"),
    *("up_for_retry", "up_for_reschedule", "awaiting_input"),
)


@dataclass(frozen=True)
class TaskGroupOfState:
    """
    The instances of one task that have the same state.

    :ivar numbers: map indexes of these instances; empty if the task is not mapped.
    :ivar total: number of all instances of the task.
    """

    task_id: str
    numbers: tuple[int, ...] = ()
    total: int = 1

    def __str__(self) -> str:
        """Return the task and its instances: ``ask[2], ask[5]``, or ``ask (9 of 12)`` for many or all instances."""
        count = len(self.numbers)
        if count > _NAMES_SHOWN or count == self.total > 1:
            return f"{self.task_id} ({count} of {self.total})"
        return ", ".join(f"{self.task_id}[{number}]" for number in self.numbers) or self.task_id


@dataclass(frozen=True)
class RunStates:
    """
    The states of a run's tasks.

    :ivar states: states by name, as Airflow returns them: an instance of a mapped task is called ``synthesize_3``.
    :ivar order: ids of the tasks in the order of the pipeline.
    :ivar mapped: ids of the mapped tasks.
    :ivar upstream: for each task, the ids of the tasks that it directly depends on.
    """

    states: Mapping[str, str | None]
    order: Sequence[str] = ()
    mapped: Collection[str] = ()
    upstream: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def failed(self) -> list[TaskGroupOfState]:
        """The failed tasks, in the order of the pipeline."""
        return self._in_state("failed")

    def first_skipped(self, may_be_skipped: Collection[str]) -> list[TaskGroupOfState]:
        """Return the skipped tasks after which the others were skipped, in the order of the pipeline.

        :param may_be_skipped: ids of the tasks that may be skipped in any run.
        """
        skipped = {part.task_id: part for part in self._in_state("skipped") if part.task_id not in may_be_skipped}
        return [part for task_id, part in skipped.items() if skipped.keys().isdisjoint(self.upstream.get(task_id, ()))]

    @property
    def running(self) -> list[TaskGroupOfState]:
        """The tasks that are scheduled, running or waiting, except ``outcome``."""
        return [group for group in self._in_state(*_RUNS) if group.task_id != OUTCOME]

    def _in_state(self, *wanted: str) -> list[TaskGroupOfState]:
        instances = [(*self._instance(name), state) for name, state in self.states.items()]
        totals = Counter(task_id for task_id, number, _ in instances if number is not None)
        numbers: dict[str, list[int]] = {}
        for task_id, number, state in instances:
            if state in wanted:
                numbers.setdefault(task_id, []).extend([] if number is None else [number])
        positions = {task_id: position for position, task_id in enumerate(self.order)}
        return [
            TaskGroupOfState(task_id, tuple(sorted(numbers[task_id])), max(1, totals[task_id]))
            for task_id in sorted(numbers, key=lambda task_id: (positions.get(task_id, len(positions)), task_id))
        ]

    def _instance(self, name: str) -> tuple[str, int | None]:
        task_id, _, number = name.rpartition("_")
        return (task_id, int(number)) if task_id in self.mapped and number.isdecimal() else (name, None)


def without_note(run: RunStates, ti: Any) -> list[TaskGroupOfState]:
    """Return the failed tasks that have stored no note: a person marked them as failed, or Airflow ended them."""
    return [
        replace(part, numbers=silent)
        for part, notes in _notes(run, ti)
        if (silent := tuple(number for number, note in notes if note is None and number is not None))
        or (not part.numbers and notes[0][1] is None)
    ]


def next_steps(run: RunStates, ti: Any, resubmitted_by: Mapping[str, str] | None = None) -> str:
    """
    Return what to do about each failed task, as its note says. Without a note, return which task to clear.

    The steps that stop the billing come first. If an arm has an endpoint that could not be deleted, the text gives no
    other step for the arm, because such a step could buy a second endpoint.

    :param resubmitted_by: the task to clear for each task whose job was stopped, because a person marked the task as
        failed. If such a task itself were cleared, it would find the stopped job and fail again.
    """
    unreleased = unreleased_arms(run.states)
    first: dict[str, list[TaskGroupOfState]] = {}
    later: dict[str, list[TaskGroupOfState]] = {}
    on_hold: list[TaskGroupOfState] = []
    for arm, tasks in unreleased.items():
        release = arm_task(arm, tasks.delete)
        first.setdefault(_step(release, read_note(ti, release), run, {}), []).append(TaskGroupOfState(release))
    for part, notes in _notes(run, ti):
        arm, _, name = part.task_id.rpartition(".")
        if arm in unreleased:
            on_hold += [part] if name != unreleased[arm].delete else []
            continue
        numbers_by_step: dict[str, list[int]] = {}
        for number, note in notes:
            step = _step(part.task_id, note, run, resubmitted_by or {})
            numbers_by_step.setdefault(step, []).extend([] if number is None else [number])
        for step, numbers in numbers_by_step.items():
            later.setdefault(step, []).append(replace(part, numbers=tuple(numbers)))
    steps = _numbered({**first, **later})
    if not on_hold:
        return steps
    return f"{steps} After that, {OUTCOME} runs again and says what to do about {_joined(on_hold)}."


def steps_after_skips(
    run: RunStates, may_be_skipped: Collection[str], resubmitted_by: Mapping[str, str] | None = None
) -> str:
    """
    Return which tasks to clear so that the run continues where its tasks were skipped, and what clearing them does.

    An arm with an endpoint that could not be deleted is left out, because :func:`next_steps` says what to do about it.

    :param resubmitted_by: see :func:`next_steps`. It also has the tasks that were skipped before they waited for a job.
    """
    unreleased = unreleased_arms(run.states)
    jobs: dict[str, None] = {}
    others: list[TaskGroupOfState] = []
    for part in run.first_skipped(may_be_skipped):
        if part.task_id.partition(".")[0] in unreleased:
            continue
        if submit := (resubmitted_by or {}).get(part.task_id):
            jobs[submit] = None
        else:
            others.append(part)
    steps = [then_clear("", task_to_clear(submit), NEXT_ATTEMPT) for submit in jobs]
    if others:
        steps.append(then_clear("", f"{_joined(others)} with downstream", "runs the tasks that were skipped"))
    return " ".join(steps)


def _notes(run: RunStates, ti: Any) -> Iterator[tuple[TaskGroupOfState, list[tuple[int | None, FailureNote | None]]]]:
    for part in run.failed:
        numbers: Sequence[int | None] = part.numbers or (None,)
        yield part, [(number, read_note(ti, part.task_id, number)) for number in numbers]


def _step(task_id: str, note: FailureNote | None, run: RunStates, resubmitted_by: Mapping[str, str]) -> str:
    if note:
        return note["to_do"]
    if (submit := resubmitted_by.get(task_id, task_id)) != task_id:
        return then_clear("", task_to_clear(submit), NEXT_ATTEMPT)
    return then_clear("", task_to_clear(task_id, tasks=run.states.keys()))


def _numbered(steps: Mapping[str, Sequence[TaskGroupOfState]]) -> str:
    if len(steps) == 1:
        return next(iter(steps))
    numbered = [
        f"({number}) For {_joined(parts)}: {step}" for number, (step, parts) in enumerate(steps.items(), start=1)
    ]
    return " ".join(["In this order:", *numbered])


def _joined(parts: Sequence[TaskGroupOfState]) -> str:
    more = f" and {len(parts) - _NAMES_SHOWN} more tasks" if len(parts) > _NAMES_SHOWN else ""
    return f"{', '.join(map(str, parts[:_NAMES_SHOWN]))}{more}"
