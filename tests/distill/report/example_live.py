"""Build the records of the live page for tests."""

from __future__ import annotations

import datetime
from typing import Any, cast

from include.distill.report.live_records import LiveProgress, LiveRun, LiveStep

STARTED = datetime.datetime(2026, 11, 28, 2, tzinfo=datetime.UTC)


def live_progress(**values: Any) -> LiveProgress:
    """Return the progress of a step that has done 58 of 160 rows, except for ``values``. Two instances wait."""
    example: LiveProgress = {
        "rows": 160,
        "are_rows_estimated": False,
        "rows_done": 58,
        "asked": 40,
        "stored": 18,
        "usd": 0.1234,
        "seconds_left": 250.0,
        "seconds_old": 4.0,
        "not_started": 2,
        "is_working": True,
    }
    return cast("LiveProgress", {**example, **values})


def live_step(task_id: str, state: str = "pending", **values: Any) -> LiveStep:
    """Return a step, with ``values`` in place of the defaults."""
    example: dict[str, Any] = {
        "task_id": task_id,
        "state": state,
        "instances": 1,
        "ended": int(state == "done"),
        "seconds": None if state in ("pending", "blocked", "skipped") else 5.0,
        "url": f"/dags/distill_docs/runs/r/tasks/{task_id}",
        "known_rows": None,
        "progress": None,
    }
    return cast("LiveStep", {**example, **values})


def live_run_record(**values: Any) -> LiveRun:
    """Return a run that is in ``synthesize``, with ``values`` in place of the defaults."""
    example: LiveRun = {
        "use_case": "aws_docs_qa",
        "dag_id": "distill_aws_docs_qa",
        "run_id": "scheduled__2026-11-28T02:00:00+00:00",
        "state": "running",
        "simulated": False,
        "started_at": STARTED,
        "seconds": 432.0,
        "steps": [
            live_step("preflight", "done", seconds=7.0),
            live_step("ingest", "done", seconds=3.0),
            live_step("estimate", "done", seconds=4.0),
            live_step("synthesize", "running", instances=4, ended=1, progress=live_progress(), seconds=210.0),
            live_step("base.answer", "waiting", seconds=12.0),
            live_step("curate"),
            live_step("tuned.merge"),
            live_step("report"),
        ],
        "spent": [{"kind": "teacher", "usd": 0.1234}],
        "estimated_usd": 3.21,
        "cap_usd": 5.0,
        "billing": "",
        "to_do": "",
        "problems": [],
        "refreshes": True,
        "list_url": "/distill/",
        "compare_url": "/distill/?compare=distill_docs%2Fr",
    }
    return cast("LiveRun", {**example, **values})
