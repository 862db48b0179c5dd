"""No task depends on the local disk or the environment of another task: each one runs in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dags.distill import distill_dag
from include.distill.core.paths import PROJECT_ROOT
from tests.e2e.fresh_processes import FreshProcess
from tests.plugins.task_groups.conftest import sample

PLACES = ("PWD", "HOME", "TMPDIR", "AIRFLOW_HOME")
LOOK = """
import json, os, sys
places = {name: os.environ[name] for name in ("HOME", "TMPDIR", "AIRFLOW_HOME")} | {"PWD": os.getcwd()}
found = {name: os.listdir(place) for name, place in places.items()}
for place in places.values():
    with open(os.path.join(place, "left_behind"), "w"):
        pass
print(json.dumps({"found": found, "environment": dict(os.environ)}))
"""


def look(folder: Path, environ: dict[str, str]) -> dict[str, Any]:
    """Run a process that reports its folders and its environment, and then leaves a file in each folder."""
    output = folder / f"{time.monotonic_ns()}.txt"
    process = FreshProcess([sys.executable, "-c", LOOK], environ, output)
    try:
        while (code := process.ended()) is None:
            time.sleep(0.02)
    finally:
        process.stop()
    assert code == 0, output.read_text()
    assert not process.folder.exists()
    seen: dict[str, Any] = json.loads(output.read_text())
    return seen


def test_a_process_finds_nothing_of_an_earlier_process(tmp_path: Path) -> None:
    for _ in range(2):
        assert look(tmp_path, dict(os.environ))["found"] == {place: [] for place in PLACES}


def test_a_process_gets_only_the_declared_environment(tmp_path: Path) -> None:
    given = {
        "DISTILL_ENVIRONMENT": "test",
        "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
        "AIRFLOW__CORE__DAGS_FOLDER": "/dags",
        "AIRFLOW__CORE__FERNET_KEY": "secret",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:///x",
        "SOMETHING_ELSE": "x",
    }
    seen = look(tmp_path, {**os.environ, **given})["environment"]
    assert seen.keys() & given.keys() == {
        "DISTILL_ENVIRONMENT",
        "AIRFLOW_CONN_AWS_DEFAULT",
        "AIRFLOW__CORE__DAGS_FOLDER",
    }


@pytest.mark.e2e
def test_every_task_of_a_run_succeeds_in_a_fresh_process(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run = subprocess.run(
        [sys.executable, "-m", "tests.e2e.fresh_processes", "--state", str(state), "run"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "DOCUMENTS": "3", "EVALUATION": "2", "USE_CASE": "", "CSV": "", "APPROVE": ""},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    started = {path.name.rsplit(".", 3)[0] for path in (state / "fresh_processes").glob("*.txt")}
    # Airflow itself ends a task that does no work, so no executor sees it.
    assert started == {task.task_id for task in distill_dag(sample()).tasks if task.task_type != "EmptyOperator"}
    report = json.loads((state / "report" / "report.json").read_text())
    assert len(report["comparisons"]) == 2
