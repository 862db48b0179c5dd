"""Run a small DAG through a real Airflow: a failed task is explained, and nothing is left running."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow.lock import CheckoutLock
from tools.local_airflow.process_table import marked_processes, sweep

DAG = '''
"""A small airflow DAG."""
from datetime import UTC, datetime
from airflow.sdk import DAG, task

with DAG("distill_aws_docs_qa", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
    @task
    def ingest() -> list[int]:
        return [1, 2]

    @task(pool="bedrock_123456789012_nova-micro_us-east-1")
    def synthesize(row: int) -> None:
        if row == 2:
            raise ValueError("row 2 has no document")

    synthesize.expand(row=ingest())
'''


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "small.py").write_text(DAG)
    yield tmp_path / "state"
    sweep(tmp_path / "state")


@pytest.mark.e2e
def test_a_failed_task_is_explained_and_nothing_is_left_running(state: Path) -> None:
    folders = ["--state", str(state), "--dags", str(state.parent / "dags")]
    run = subprocess.run(
        [sys.executable, "-m", "tools.local_airflow", "run", *folders],
        cwd=PROJECT_ROOT,
        env={**os.environ, "USE_CASE": "", "DOCUMENTS": "", "EVALUATION": "", "CSV": ""},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    output = run.stdout + run.stderr
    assert run.returncode == 1, output
    assert output.startswith("SIMULATED")
    assert "synthesize[1]\n    ValueError: row 2 has no document\n    log: " in output
    log = Path(output.split("log: ", 1)[1].splitlines()[0])
    assert "row 2 has no document" in log.read_text()
    assert marked_processes(state) == []
    CheckoutLock(state / "lock").acquire("make run")
