"""Define the records of the live page, which shows a run until its report exists. They are not stored."""

from __future__ import annotations

import datetime
from typing import Literal, TypedDict

from include.distill.history.records import SpendingKind

# What a step does now. A step is one task, or all instances of a mapped task.
StepState = Literal[
    "done",
    "running",
    "waiting",
    "asking",
    "retrying",
    "starting",
    "failed",
    "blocked",
    "skipped",
    "pending",
]


class LiveProgress(TypedDict):
    """The progress of a step that works row by row."""

    rows: int  # rows of all instances
    are_rows_estimated: bool  # True if the rows of the instances that have not started are not known exactly
    rows_done: int
    asked: int  # new calls that a model answered
    stored: int  # answers that were found in the answer store
    usd: float
    seconds_left: float | None  # None if it is not known, or if no row is left
    seconds_old: float  # age of the newest record; large if the tasks were killed
    not_started: int  # instances without a record
    is_working: bool  # whether an instance has started and not ended


class LiveStep(TypedDict):
    """One step of the run."""

    task_id: str
    state: StepState
    instances: int  # 1 if the task is not mapped
    ended: int  # instances that have succeeded
    seconds: float | None  # how long the step has taken so far; None before it starts
    url: str  # of the task in Airflow's UI
    known_rows: int | None  # rows of the whole step, where they are known before its progress
    progress: LiveProgress | None


class SpentPart(TypedDict):
    """What the run has spent so far on one kind of cost, in US dollars."""

    kind: SpendingKind
    usd: float


class LiveRun(TypedDict):
    """Everything that the live page shows."""

    use_case: str
    dag_id: str
    run_id: str
    state: str  # of the run, as Airflow calls it
    simulated: bool  # whether a simulator answers in place of AWS
    started_at: datetime.datetime | None
    seconds: float | None  # since the start, or until the end
    steps: list[LiveStep]  # in the order of the pipeline
    spent: list[SpentPart]  # only kinds that are not zero; the critic is part of "teacher"
    estimated_usd: float | None  # None until `estimate` has ended
    cap_usd: float | None
    billing: str  # what is billed now, in sentences; empty if nothing is
    to_do: str  # which tasks to clear, in sentences; empty if no task has failed
    problems: list[str]  # what could not be read
    refreshes: bool  # whether the run is still in progress, so that the page loads itself again
    list_url: str
    compare_url: str
