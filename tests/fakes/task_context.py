"""The context of a task whose scheduled run has ended, and the parameters of a clean-up that deletes everything."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

RUN_ID = "scheduled__2026-11-25T02:00:00+00:00"
EVERYTHING = {
    "dry_run": False,
    "include_unexpired": True,
    "datasets": True,
    "paid_answers": True,
    "confirm_buckets": "",
}


def dag_run(dag_id: str) -> Any:
    """Return the run of a DAG."""
    started = datetime.datetime(2026, 11, 25, 2, tzinfo=datetime.UTC)
    return SimpleNamespace(start_date=started, run_after=started, dag_id=dag_id, run_id=RUN_ID)


def task_context(
    dag_id: str, params: Mapping[str, Any], get_dagrun_state: Callable[..., str] = lambda *_: "success"
) -> Any:
    """Return the context of a task of :func:`dag_run`."""
    ti = SimpleNamespace(
        dag_id=dag_id,
        run_id=RUN_ID,
        get_dagrun_state=get_dagrun_state,
        get_dr_count=lambda dag_id, states: 0,
        xcom_pull=lambda **_: None,
    )
    return {"ti": ti, "params": params, "dag_run": dag_run(dag_id)}
