"""The simulator needs only its own folder and the packages that it names."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from packaging.specifiers import SpecifierSet

from include.distill.core.paths import PROJECT_ROOT
from tests.fakes.simulator_process import exit_code, port_in, wait_for

FOLDER = PROJECT_ROOT / "tools" / "aws_simulator"
# Runs the simulator's command, and writes which files and modules it has used.
RECORDER = """
import json, runpy, sys
used, report = set(), sys.argv.pop(1)
sys.addaudithook(lambda event, args: used.add(str(args[0])) if event in ("open", "os.listdir", "os.scandir") else None)
try:
    runpy.run_module("tools.aws_simulator", run_name="__main__", alter_sys=True)
finally:
    with open(report, "w") as file:
        json.dump({"files": sorted(used), "modules": sorted(sys.modules)}, file)
"""
PROJECT_OF_SOMEONE_ELSE = """
import boto3

pytest_plugins = ["tools.aws_simulator.pytest_plugin"]


def test_models(aws_simulator):
    assert boto3.client("bedrock").list_foundation_models()["modelSummaries"]
    assert aws_simulator.admin("GET", "health")["status"] == "ok"
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return a folder with a copy of the simulator and nothing else."""
    shutil.copytree(FOLDER, tmp_path / "tools" / "aws_simulator", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def variables(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def recorded(elsewhere: Path) -> dict[str, Any]:
    """Run the copied simulator for a few calls, and return which files and modules it has used."""
    report, port_file = elsewhere / "report.json", elsewhere / "port"
    options = ["--state", str(elsewhere / "state"), "--port-file", str(port_file)]
    process = subprocess.Popen(
        [sys.executable, "-c", RECORDER, str(report), *options], cwd=elsewhere, env=variables(elsewhere)
    )
    try:
        url = f"http://127.0.0.1:{wait_for(process, lambda: port_in(port_file))}"
        _call(url)
        process.send_signal(signal.SIGTERM)
        assert exit_code(process) == 0
    finally:
        process.kill()
        process.wait()
    recorded: dict[str, Any] = json.loads(report.read_text())
    return recorded


def _call(url: str) -> None:
    keys = {"endpoint_url": url, "region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    assert boto3.client("bedrock", **keys).list_foundation_models()["modelSummaries"]
    s3 = boto3.client("s3", **keys)
    s3.create_bucket(Bucket="rows")
    s3.put_object(Bucket="rows", Key="a.txt", Body=b"text")
    messages = [{"role": "user", "content": [{"text": "Hello"}]}]
    runtime = boto3.client("bedrock-runtime", **keys)
    assert runtime.converse(modelId="us.amazon.nova-micro-v1:0", messages=messages)["output"]["message"]["content"]


def test_a_copy_of_the_folder_runs_alone_and_uses_no_other_file_of_the_repository(
    recorded: dict[str, Any], elsewhere: Path
) -> None:
    own = {name for name in recorded["modules"] if name.partition(".")[0] in ("tools", "include", "dags", "container")}
    assert {name for name in own if not name.startswith("tools.aws_simulator")} <= {"tools"}
    packages = (sys.prefix, sys.base_prefix, str(PROJECT_ROOT / ".venv"))  # the environment may be in the repository
    inside = [file for file in recorded["files"] if file.startswith(f"{PROJECT_ROOT}/")]
    assert [file for file in inside if not file.startswith(packages)] == []
    assert str(elsewhere / "tools/aws_simulator/catalog/models.yaml") in recorded["files"]


def test_another_project_uses_the_fixture(elsewhere: Path) -> None:
    (elsewhere / "test_theirs.py").write_text(PROJECT_OF_SOMEONE_ELSE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(elsewhere)]
    result = subprocess.run(
        [*command, "test_theirs.py"],
        cwd=elsewhere,
        env=variables(elsewhere),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout


def test_the_layout_of_the_readme_works(elsewhere: Path) -> None:
    """The plugin is in the top conftest.py, the test is in a subfolder, and python -m pytest runs at the top."""
    (elsewhere / "conftest.py").write_text('pytest_plugins = ["tools.aws_simulator.pytest_plugin"]\n')
    (elsewhere / "tests").mkdir()
    program = PROJECT_OF_SOMEONE_ELSE.replace('pytest_plugins = ["tools.aws_simulator.pytest_plugin"]', "")
    (elsewhere / "tests" / "test_program.py").write_text(program)
    environment = {name: value for name, value in variables(elsewhere).items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    result = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout


def imported() -> Iterator[str]:
    """Yield the top-level names of all packages that the simulator imports."""
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield str(node.module).partition(".")[0]


def requirements(path: Path) -> dict[str, str]:
    """Return the version ranges in a requirements file, by name in lower case."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    parsed = (re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?(.*)", line) for line in lines if line)
    return {match[1].lower(): match[2] for match in parsed if match}


def test_the_requirements_are_the_packages_that_the_simulator_imports() -> None:
    distributions = importlib.metadata.packages_distributions()
    packages = {name for name in imported() if name not in sys.stdlib_module_names and name != "tools"}
    assert set(requirements(FOLDER / "requirements.txt")) == {distributions[name][0].lower() for name in packages}


def test_the_requirements_agree_with_those_of_the_repository() -> None:
    """The pipeline also runs with older packages, as on Amazon MWAA. The simulator needs the newest operations."""
    here = requirements(PROJECT_ROOT / "requirements.txt") | requirements(PROJECT_ROOT / "requirements-dev.txt")
    own = requirements(FOLDER / "requirements.txt")
    for name in own.keys() & here.keys():
        lowest, _, limit = own[name].partition(",")
        assert SpecifierSet(here[name]).contains(lowest.removeprefix(">=")), name
        assert limit == here[name].partition(",")[2], name
    assert set(own) - set(here) == {"botocore"}  # comes with boto3, which pins it
