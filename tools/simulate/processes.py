"""Run the shares of a simulation at the same time, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence

from include.distill.core.paths import PROJECT_ROOT


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_all(commands: Sequence[Sequence[str]]) -> list[int]:
    """
    Run commands at the same time, and return their exit codes.

    If this process is interrupted or terminated, all of them are killed, and ``KeyboardInterrupt`` is raised. Their
    temporary files are removed in any case.
    """
    processes: list[subprocess.Popen[bytes]] = []
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="simulate-") as scratch:
        environment = {**os.environ, "TMPDIR": scratch}
        try:
            for command in commands:
                # In a session of its own, Ctrl-C reaches only this process, which ends the others.
                one = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, start_new_session=True)
                processes.append(one)
            return [one.wait() for one in processes]
        finally:
            for one in processes:
                one.kill()
                one.wait()
            signal.signal(signal.SIGTERM, before)
