"""
Run every task in a process of its own, with empty folders and only the environment that a worker must have.

This is what Kubernetes does with a task: its pod starts with the image's files and the declared environment, and its
disk is gone when the task ends. A task that reads a file of an earlier task fails here.

``python -m tests.e2e.fresh_processes STATE PROJECT`` is ``make run`` with this executor, in a project with other use
cases. The variable ``FRESH_PROCESSES_SETTINGS`` has more variables for all processes, as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.executors.base_executor import BaseExecutor

from tools.local_airflow import commands, session
from tools.local_airflow.settings import Layout

FOLDER_VARIABLE = "FRESH_PROCESSES"
SETTINGS_VARIABLE = "FRESH_PROCESSES_SETTINGS"
# What a worker gets from its image and from the settings of the installation. It gets neither the database of Airflow
# nor its encryption key.
DECLARED = ("PATH", "PYTHONPATH", "NO_PROXY", "no_proxy")
DECLARED_PREFIXES = ("DISTILL_", "AWS_", "AIRFLOW_CONN_")
DECLARED_SETTINGS = (
    "CORE__DAGS_FOLDER",
    "CORE__PLUGINS_FOLDER",
    "CORE__LOAD_EXAMPLES",
    "CORE__EXECUTION_API_SERVER_URL",
    "CORE__HOSTNAME_CALLABLE",
    "CORE__DAGBAG_IMPORT_TIMEOUT",
    "API__BASE_URL",
    "WORKERS__EXECUTION_API_TIMEOUT",
)


class FreshProcess:
    """
    A process whose working directory, home, temporary folder and Airflow home are new and empty.

    :param output: the file that gets everything that the process prints.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], output: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fresh-process-"))
        places = {name: self.folder / name for name in ("work", "home", "tmp", "airflow", "logs")}
        for place in places.values():
            place.mkdir()
        environment = {
            **declared(environ),
            "HOME": str(places["home"]),
            "TMPDIR": str(places["tmp"]),
            "AIRFLOW_HOME": str(places["airflow"]),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(places["logs"]),
            "PYTHONDONTWRITEBYTECODE": "1",  # the code of an image is read-only
        }
        with output.open("ab") as file:  # a task that waited continues in another process
            self._process = subprocess.Popen(
                command, cwd=places["work"], env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    def ended(self) -> int | None:
        """Return the exit code once the process has ended. Its folders are gone then."""
        code = self._process.poll()
        if code is not None:
            shutil.rmtree(self.folder)
        return code

    def stop(self) -> None:
        """Kill the process and remove its folders."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def declared(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the part of an environment that a worker gets."""
    settings = {f"AIRFLOW__{name}" for name in DECLARED_SETTINGS}
    return {
        name: value
        for name, value in environ.items()
        if name in settings or name in DECLARED or name.startswith(DECLARED_PREFIXES)
    }


class FreshProcessExecutor(BaseExecutor):
    """Run each task with the command that Airflow's KubernetesExecutor runs in a pod."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._outputs = Path(os.environ[FOLDER_VARIABLE])
        self._processes: dict[Any, FreshProcess] = {}

    def start(self) -> None:
        """Create the folder for the output of all tasks."""
        self._outputs.mkdir(parents=True, exist_ok=True)

    def _process_workloads(self, workload_items: Sequence[Any]) -> None:
        for workload in workload_items:
            del self.queued_tasks[workload.key]
            self.running.add(workload.key)
            command = [sys.executable, "-m", "airflow.sdk.execution_time.execute_workload"]
            ti = workload.ti
            output = self._outputs / ti.dag_id / f"{ti.task_id}.{ti.map_index}.{ti.try_number}.txt"
            output.parent.mkdir(exist_ok=True)
            self._processes[workload.key] = FreshProcess(
                [*command, "--json-string", workload.model_dump_json()], os.environ, output
            )

    def sync(self) -> None:
        """Report the tasks that have ended."""
        for key, process in list(self._processes.items()):
            if (code := process.ended()) is not None:
                del self._processes[key]
                self.fail(key) if code else self.success(key)

    def end(self) -> None:
        """Stop all tasks."""
        for process in self._processes.values():
            process.stop()

    def terminate(self) -> None:
        """Stop all tasks."""
        self.end()


def run(state: Path, project: Path, settings: Mapping[str, str]) -> int:
    """
    Carry out ``make run``, with this executor.

    :param project: the folder with the DAGs, the plugins and the use cases.
    :param settings: more environment variables of all processes.
    """
    build = session.build_environment

    def build_environment(*given: Any, layout: Any, **named: Any) -> dict[str, str]:
        return {
            **build(*given, layout=layout, **named),
            **settings,
            "AIRFLOW__CORE__EXECUTOR": f"{__spec__.name}.FreshProcessExecutor",
            FOLDER_VARIABLE: str(layout.state / "fresh_processes"),
        }

    session.build_environment = build_environment
    use_cases = project / "include" / "use_cases"
    layout = Layout(project=project, dags=project / "dags", use_cases=use_cases, state=state)
    return commands.run(layout, os.environ.copy())


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(os.environ[SETTINGS_VARIABLE])))
