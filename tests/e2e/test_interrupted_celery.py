"""`make celery` interrupted while it starts, in a folder that PostgreSQL's user cannot reach: nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.compose.servers import find_program
from tools.local_airflow.lock import CheckoutLock
from tools.local_airflow.process_table import marked_processes, sweep

installed = pytest.mark.skipif(
    not (find_program("postgres") and find_program("redis-server")),
    reason="PostgreSQL and Redis are not installed (`make celery` installs them when it is run as root)",
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    tmp_path.chmod(0o700)
    yield tmp_path / "state"
    sweep(tmp_path / "state" / "celery")


@installed
@pytest.mark.e2e
def test_an_interrupted_installation_leaves_no_process_and_no_data(state: Path) -> None:
    before = set(Path(gettempdir()).glob("distill-postgres-*"))
    settings = dict.fromkeys(("USE_CASE", "DOCUMENTS", "EVALUATION", "CSV", "EVALUATION_CSV"), "")
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.compose", "--state", str(state)],
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    while "redis healthy" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    running = marked_processes(state / "celery")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert len(running) > 4
    assert process.returncode == 130
    assert "Everything that was started has been stopped." in rest
    assert marked_processes(state / "celery") == []
    assert set(Path(gettempdir()).glob("distill-postgres-*")) <= before
    CheckoutLock(state / "lock").acquire("make run")
