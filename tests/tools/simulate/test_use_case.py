"""The use case of the simulation is valid, and its DAG is the one that production runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.simulate.environment import variables
from tools.simulate.parts import PARTS
from tools.simulate.use_case import load_dag, write_use_case


def test_the_dag_has_the_tasks_of_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    for part in PARTS:
        write_use_case(tmp_path, part)
        tasks = set(load_dag(tmp_path).task_ids)
        assert {*part.before, *part.tasks} <= tasks
