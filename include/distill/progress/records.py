"""Define the record of a task's progress."""

from __future__ import annotations

from typing import TypedDict


class TaskProgress(TypedDict):
    """
    How far a task is that works row by row.

    The record is stored in ``progress/<task id>.json`` of the run's folder; the name of a mapped task also has the map
    index. A new attempt of the task replaces it. A task that was killed leaves its last record.
    """

    task_id: str
    map_index: int  # -1 if the task is not mapped
    rows: int  # rows of the task
    rows_done: int  # rows that have all their answers
    asked: int  # new calls that a model answered
    stored: int  # answers that were found in the answer store
    usd: float  # what the run has paid for these rows, also in earlier attempts and in batch jobs
    rows_per_second: float | None  # over the last minutes; None if no row was done in that time
    started_at: str  # ISO 8601, UTC
    updated_at: str
    ended_at: str | None  # None while the attempt is running
