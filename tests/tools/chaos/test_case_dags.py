from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from airflow.sdk import DAG

from tools.chaos.matrix import matrix
from tools.chaos.runner import prepare
from tools.chaos.scenarios import scenarios
from tools.chaos.walks import ASKING, SERVED, plan, write_walks

DAG_FILE = Path(__file__).with_name("dags") / "crash_cases.py"


def test_every_case_and_every_walk_is_a_dag_of_the_real_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = prepare([*matrix(), *scenarios()], tmp_path)
    walks = plan(2, 1)
    write_walks(tmp_path, walks, 1)
    monkeypatch.setenv("CHAOS_USE_CASES", str(tmp_path))
    found = {thing.dag_id: thing for thing in runpy.run_path(str(DAG_FILE)).values() if isinstance(thing, DAG)}
    assert {f"distill_{key.key}" for key in (*cases, *walks)} <= found.keys()
    assert "tuned.submit" in found["distill_c01"].task_ids
    assert "report" not in found["distill_c01"].task_ids
    assert {*ASKING, *SERVED, "report"} <= {*found["distill_w01"].task_ids}
