"""Build records of a task's progress for tests."""

from __future__ import annotations

from typing import Any, cast

from include.distill.progress.records import TaskProgress


def progress(**values: Any) -> TaskProgress:
    """Return a record in which nothing is done yet, except for ``values``."""
    empty: TaskProgress = {
        "task_id": "synthesize",
        "map_index": -1,
        "rows": 10,
        "rows_done": 0,
        "asked": 0,
        "stored": 0,
        "usd": 0.0,
        "rows_per_second": None,
        "started_at": "2026-11-28T02:00:00+00:00",
        "updated_at": "2026-11-28T02:00:10+00:00",
        "ended_at": None,
    }
    return cast("TaskProgress", {**empty, **values})
