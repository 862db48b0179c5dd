"""A service that dies is started again, until its supervisor is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow.process_table import is_running
from tools.local_airflow.processes import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_killed_service_comes_back_and_ends_with_its_supervisor(tmp_path: Path) -> None:
    pid_file = tmp_path / "pids" / "scheduler"
    command = [sys.executable, "-m", "tools.chaos.supervisor", str(pid_file), *SLEEP]
    supervisor = subprocess.Popen(command, cwd=PROJECT_ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_until(pid_file.exists, "the service", 10)
        first = int(pid_file.read_text())
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: int(pid_file.read_text()) != first, "the restart", 10)
        second = int(pid_file.read_text())
        assert is_running(second)
    finally:
        supervisor.terminate()
    assert supervisor.wait(10) == 143
    wait_until(lambda: not is_running(second), "the end of the service", 10)
