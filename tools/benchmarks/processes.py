"""Start the servers of a benchmark and the measured process, and stop them at the end of a ``with`` block."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from include.distill.core.errors import DistillError
from include.distill.core.paths import PROJECT_ROOT
from tools.benchmarks.wire import LOOPBACK
from tools.local_airflow.environment import REGION
from tools.local_airflow.settings import LOCAL_INSTALLATION

SCRIPTS = PROJECT_ROOT / "tests" / "tools" / "benchmarks"
MINUTES = 60.0
GRACE_SECONDS = 10.0


class MeasurementError(DistillError):
    """A measured process failed, or a measurement has no valid result."""


@dataclass(frozen=True)
class Server:
    """A running server of the benchmarks."""

    url: str

    def reset(self, *, latency_seconds: float = 1.0, **quota: float) -> None:
        """Set the latency and the quota of the model server, and reset its counts."""
        self._ask("/_bench/reset", {"latency_seconds": latency_seconds, "quota": quota})

    def counts(self) -> dict[str, Any]:
        """Return the model server's counts since the last reset."""
        return self._ask("/_bench/counts", None)

    def _ask(self, path: str, body: Any) -> dict[str, Any]:
        method = "GET" if body is None else "POST"
        response = httpx.request(method, f"{self.url}{path}", json=body, timeout=30, trust_env=False)
        counts: dict[str, Any] = response.raise_for_status().json()
        return counts


@contextmanager
def server(module: str) -> Iterator[Server]:
    """Run ``tools.benchmarks.<module>`` as a process until the end of the ``with`` block."""
    command = [sys.executable, "-m", f"tools.benchmarks.{module}"]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - stdout is a pipe
            yield Server(f"http://{LOOPBACK}:{int(process.stdout.readline())}")
        finally:
            process.terminate()
            process.wait(GRACE_SECONDS)


def start(script: str, *arguments: object, endpoint: str, state: Path) -> subprocess.Popen[str]:
    """Start a script in ``tests/tools/benchmarks`` that prints one JSON object when it ends."""
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    environment = script_environment(os.environ, endpoint=endpoint, state=state)
    return subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str], minutes: float = MINUTES) -> dict[str, Any]:
    """
    Wait for a script to end, and return the JSON object that it printed.

    :raises MeasurementError: the script failed.
    """
    try:
        output, errors = process.communicate(timeout=minutes * 60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode != 0:
        raise MeasurementError(
            f"{process.args!r} ended with exit code {process.returncode}, so nothing was measured. "
            f"The end of its error output:\n{errors[-3000:]}"
        )
    measured: dict[str, Any] = json.loads(output.splitlines()[-1])
    return measured


def run(script: str, *arguments: object, endpoint: str, state: Path) -> dict[str, Any]:
    """Run a script and return the JSON object that it printed."""
    return finish(start(script, *arguments, endpoint=endpoint, state=state))


def script_environment(inherited: Mapping[str, str], *, endpoint: str, state: Path) -> dict[str, str]:
    """Return the environment of a measured process: no settings of a real account, and all endpoints on loopback."""
    dropped = ("AWS_", "AIRFLOW_", "AIRFLOW__", "BOTO", "DISTILL_", "PYTHON")
    return {
        **{name: value for name, value in inherited.items() if not name.startswith(dropped)},
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), str(PROJECT_ROOT / "plugins")]),
        **LOCAL_INSTALLATION,
        "AIRFLOW_HOME": str(state / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK,
    }
