"""Describe the progress of a task in words."""

from __future__ import annotations

from include.distill.core.counted import counted
from include.distill.core.durations import format_duration
from include.distill.progress.records import TaskProgress


def describe_progress(progress: TaskProgress) -> str:
    """Return text such as ``18 of 40 rows, 12 calls, 6 answers from the store, about 3 min left``."""
    parts = [
        f"{progress['rows_done']:,} of {progress['rows']:,} rows",
        counted(progress["asked"], "call"),
        f"{counted(progress['stored'], 'answer')} from the store",
    ]
    seconds = seconds_left(progress)
    if seconds is not None:
        parts.append(f"about {format_duration(seconds)} left")
    return ", ".join(parts)


def seconds_left(progress: TaskProgress) -> float | None:
    """
    Return how long the task still takes at its current rate, in seconds.

    The result is ``None`` if the rate is not known, or if no row is left.
    """
    rows, rate = progress["rows"] - progress["rows_done"], progress["rows_per_second"]
    return rows / rate if rate and rows > 0 else None
