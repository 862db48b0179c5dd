"""Every case and every random schedule is a DAG of the real operators."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from airflow.sdk import DAG

from tools.chaos.matrix import matrix
from tools.chaos.random_schedules import ITEMS_OF_A_TASK, SERVED, draw_schedules, write_use_cases
from tools.chaos.runner import prepare
from tools.chaos.scenarios import scenarios

DAG_FILE = Path(__file__).with_name("dags") / "crash_cases.py"


def test_every_case_and_every_schedule_is_a_dag_of_the_real_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = prepare([*matrix(), *scenarios()], tmp_path)
    runs = draw_schedules(2, 1)
    write_use_cases(tmp_path, runs, 1)
    monkeypatch.setenv("CHAOS_USE_CASES", str(tmp_path))
    dags = {value.dag_id: value for value in runpy.run_path(str(DAG_FILE)).values() if isinstance(value, DAG)}
    assert {f"distill_{key.key}" for key in (*cases, *runs)} <= dags.keys()
    assert "tuned.submit" in dags["distill_c01"].task_ids
    assert "report" not in dags["distill_c01"].task_ids
    assert {*ITEMS_OF_A_TASK, *SERVED, "report"} <= {*dags["distill_w01"].task_ids}
