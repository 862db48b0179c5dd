"""A local run of a small DAG through a real Airflow: what a person sees when a task fails, and what is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.local_airflow.lock import CheckoutLock
from tools.local_airflow.process_table import marked_processes, sweep
from tools.local_airflow.settings import PROJECT

DAG = '''
"""A small airflow DAG."""
from datetime import UTC, datetime
from airflow.sdk import DAG, task

with DAG("distill_aws_docs_qa", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
    @task
    def ingest() -> list[int]:
        return [1, 2]

    @task(pool="bedrock_nova-micro_us-east-1")
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
    outcome = subprocess.run(
        [sys.executable, "-m", "tools.local_airflow", "run", *folders],
        cwd=PROJECT,
        env={**os.environ, "USE_CASE": "", "DOCUMENTS": "", "EVALUATION": "", "CSV": ""},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    said = outcome.stdout + outcome.stderr
    assert outcome.returncode == 1, said
    assert said.startswith("SIMULATED")
    assert "synthesize [1]\n    ValueError: row 2 has no document\n    log: " in said
    log = Path(said.split("log: ", 1)[1].splitlines()[0])
    assert "row 2 has no document" in log.read_text()
    assert marked_processes(state) == []
    CheckoutLock(state / "lock").acquire("make run", "now")
