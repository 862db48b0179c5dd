"""
Put a package where Amazon MWAA puts it, and build the environment of MWAA's processes.

Airflow's home contains only ``dags/`` and ``plugins/``. ``PYTHONPATH`` names a folder of MWAA, and the variables of the
pipeline come from the startup script.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.mwaa.package import DAGS, PLUGINS, STARTUP

# What MWAA sets for Airflow 3.3.1, except for what belongs to its queue, its database and its logs in CloudWatch.
MWAA_SETTINGS = {
    "AIRFLOW__API__SERVER_TYPE": "gunicorn",
    "AIRFLOW__API__WORKER_REFRESH_BATCH_SIZE": "1",
    "AIRFLOW__API__WORKER_REFRESH_INTERVAL": "43200",
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "AIRFLOW__CORE__EXECUTE_TASKS_NEW_PYTHON_INTERPRETER": "True",
    "AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME": "86400",
    "AIRFLOW__SCHEDULER__SCHEDULE_AFTER_TASK_EXECUTION": "False",
    "AIRFLOW__SCHEDULER__STANDALONE_DAG_PROCESSOR": "True",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "1800.0",
    "AIRFLOW__TRIGGERER__QUEUES_ENABLED": "False",
}
# Beginnings of names. On MWAA, the variables of the pipeline come from the startup script, and there is no connection
# aws_default, so boto3 uses the credentials of the execution role. Here, the environment has the key of the role for
# runs.
_NOT_ON_MWAA = ("AIRFLOW_CONN_AWS_DEFAULT", "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "DISTILL_")


@dataclass(frozen=True)
class Installation:
    """
    An installed package.

    :ivar home: Airflow's home, with the folders ``dags`` and ``plugins``.
    :ivar programs: the folder with the program ``airflow``.
    :ivar python_path: the folder in ``PYTHONPATH``, which contains no code of this project.
    """

    home: Path
    programs: Path
    python_path: Path

    def command(self, *arguments: str) -> list[str]:
        """
        Return the command line of an Airflow command that works in Airflow's home.

        Another working folder could let Python import code from there.
        """
        return ["env", "-C", str(self.home), str(self.programs / "airflow"), *arguments]

    def environment(self, base: Mapping[str, str], exported: Mapping[str, str]) -> dict[str, str]:
        """
        Return the environment of the processes.

        :param base: the environment of a local Airflow.
        :param exported: the variables that the startup script exports.
        """
        kept = {name: value for name, value in base.items() if not name.startswith(_NOT_ON_MWAA)}
        return {
            **kept,
            **exported,
            **MWAA_SETTINGS,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / DAGS),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.home / "plugins"),
            "PATH": os.pathsep.join([str(self.programs), kept.get("PATH", os.defpath)]),
            "PYTHONPATH": str(self.python_path),
        }


def unpack(package: Path, state: Path, programs: Path) -> Installation:
    """Put the package into a new home of Airflow below ``state``. An earlier home is removed."""
    installation = Installation(state / "airflow", programs, state / "python")
    shutil.rmtree(installation.home, ignore_errors=True)
    shutil.copytree(package / DAGS, installation.home / DAGS)
    with zipfile.ZipFile(package / PLUGINS) as archive:
        archive.extractall(installation.home / "plugins")
    installation.python_path.mkdir(exist_ok=True)
    return installation


def run_startup_script(package: Path) -> dict[str, str]:
    """Run the startup script in an empty environment, and return the variables that it exports."""
    script = 'set -eu; . "$1"; env -0 | grep -z "^DISTILL_"'
    done = subprocess.run(
        ["/bin/bash", "-c", script, "bash", str(package / STARTUP)],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = (line.partition("=") for line in done.stdout.split("\0") if line)
    return {name: value for name, _, value in pairs}
