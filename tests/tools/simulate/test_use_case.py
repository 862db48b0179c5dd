"""The use case of the simulation is valid, and its DAG is the one that production runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.simulate.all_parts import PARTS
from tools.simulate.environment import variables
from tools.simulate.parts import CLEAN_UP_DAG, ROLLBACK_DAG, SWEEPER_DAG, TRAINING
from tools.simulate.use_case import load_dag, write_use_case


def test_the_dag_has_the_tasks_of_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    for part in PARTS:
        write_use_case(tmp_path, part)
        tasks = set(load_dag(tmp_path, part.dag).task_ids)
        assert {*part.before, *part.tasks} <= tasks


@pytest.mark.parametrize(
    ("name", "dag_id"),
    [
        (ROLLBACK_DAG, "distill_rollback"),
        (SWEEPER_DAG, "distill_release_leftovers"),
        (CLEAN_UP_DAG, "distill_clean_up"),
    ],
)
def test_the_dags_of_the_installation_know_only_the_use_case_of_the_simulation(
    name: str, dag_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in variables(tmp_path).items():
        monkeypatch.setenv(variable, value)
    write_use_case(tmp_path, TRAINING)
    dag = load_dag(tmp_path, name)
    assert dag.dag_id == dag_id
    assert {one.use_cases for one in dag.tasks if hasattr(one, "use_cases")} == {tmp_path}
