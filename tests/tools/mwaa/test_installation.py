from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.mwaa.installation import Installation, run_startup_script, unpack
from tools.mwaa.package import build

LOAD = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
import include
print(json.dumps([include.__file__, bag.import_errors, sorted(bag.dags)]))
"""
# What `make run` gives to its Airflow, as far as MWAA has something else.
LOCAL = {
    "PATH": os.defpath,
    "PYTHONPATH": str(PROJECT_ROOT),
    "DISTILL_ENVIRONMENT": "local",
    "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
    "AWS_ENDPOINT_URL": "http://127.0.0.1:8090",
}


@pytest.fixture
def package(tmp_path: Path, settings: dict[str, str]) -> Path:
    return build(settings, tmp_path / "package").folder


@pytest.fixture
def installation(tmp_path: Path, package: Path) -> Installation:
    return unpack(package, tmp_path, tmp_path / "programs")


def test_the_home_contains_only_what_mwaa_delivers(installation: Installation) -> None:
    assert sorted(path.name for path in installation.home.iterdir()) == ["dags", "plugins"]
    assert (installation.home / "plugins" / "include" / "models.yaml").is_file()
    assert (installation.home / "dags" / "distill.py").is_file()


def test_an_earlier_home_is_removed(tmp_path: Path, package: Path, installation: Installation) -> None:
    (installation.home / "airflow.db").touch()
    assert not (unpack(package, tmp_path, tmp_path / "programs").home / "airflow.db").exists()


def test_nothing_of_the_checkout_reaches_the_processes(package: Path, installation: Installation) -> None:
    environment = installation.environment(LOCAL, run_startup_script(package))
    assert not [name for name, value in environment.items() if str(PROJECT_ROOT) in value]
    assert environment["PYTHONPATH"] == str(installation.python_path)
    assert list(installation.python_path.iterdir()) == []


def test_the_settings_come_from_the_startup_script_and_the_credentials_from_the_role(
    package: Path, installation: Installation, settings: dict[str, str]
) -> None:
    environment = installation.environment(LOCAL, run_startup_script(package))
    assert {name: value for name, value in environment.items() if name.startswith("DISTILL_")} == settings
    assert "AIRFLOW_CONN_AWS_DEFAULT" not in environment
    assert environment["AWS_ENDPOINT_URL"] == LOCAL["AWS_ENDPOINT_URL"]


def test_a_command_works_in_the_home_of_airflow(installation: Installation) -> None:
    installation.programs.mkdir()
    (installation.programs / "airflow").write_text('#!/bin/sh\npwd\necho "$@"\n')
    (installation.programs / "airflow").chmod(0o755)
    shown = subprocess.run(installation.command("db", "migrate"), capture_output=True, text=True, check=True).stdout
    assert shown.split() == [str(installation.home), "db", "migrate"]


def test_the_package_can_be_imported_without_the_checkout(installation: Installation) -> None:
    """Airflow puts the plugins folder on ``sys.path``, and nothing else of this project."""
    plugins = str(installation.home / "plugins")
    code = f"import sys; sys.path.append({plugins!r}); import include.distill.config.loader as m; print(m.__file__)"
    command = [sys.executable, "-I", "-c", code]
    shown = subprocess.run(command, cwd=installation.home, capture_output=True, text=True, check=True).stdout
    assert shown.startswith(plugins)


def test_airflow_loads_every_dag_of_the_package(package: Path, installation: Installation) -> None:
    """The versions are those of the tests. `make mwaa-trial` does the same with those of MWAA."""
    environment = installation.environment({"PATH": os.defpath}, run_startup_script(package))
    environment["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    environment.pop("AIRFLOW__CORE__AUTH_MANAGER")  # the tests have no FAB
    command = [sys.executable, "-c", LOAD, str(installation.home / "dags")]
    done = subprocess.run(command, cwd=installation.home, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    origin, errors, dags = json.loads(done.stdout.splitlines()[-1])
    assert origin.startswith(str(installation.home / "plugins"))
    assert errors == {}
    assert {"distill_aws_docs_qa", "distill_clean_up", "distill_release_leftovers", "distill_rollback"} <= set(dags)
