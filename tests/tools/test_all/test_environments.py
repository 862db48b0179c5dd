from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.test_all import environments
from tools.test_all.environments import LOCK, NotInstalledError, Outcome, UnitTestEnvironment

TESTS = """
import os
import pytest

def test_passes(): assert "PYTHONPATH" not in os.environ
def test_fails(): assert os.environ["WANTED"] == "yes"
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.e2e
def test_slow(): assert False
"""


@pytest.fixture
def environment(tmp_path: Path) -> UnitTestEnvironment:
    (tmp_path / LOCK).write_text("one==1.0\n")
    return UnitTestEnvironment(tmp_path, "3.11", uv=tmp_path / "uv")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are started. None of them is run."""
    started: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        started.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(environments.subprocess, "run", run)
    return started


def test_the_lock_file_is_installed_once_with_its_hashes(
    environment: UnitTestEnvironment, commands: list[list[str]]
) -> None:
    for _ in range(2):
        environment.install(Path("/python3.11"))
    create, sync = commands
    assert create == ["/python3.11", "-m", "venv", str(environment.folder)]
    assert "--require-hashes" in sync
    assert sync[-2:] == [str(environment.python), str(environment.project / LOCK)]


@pytest.mark.parametrize("change", ["lock", "interpreter"])
def test_another_lock_file_or_interpreter_replaces_the_environment(
    environment: UnitTestEnvironment, commands: list[list[str]], change: str
) -> None:
    environment.install(Path("/python3.11"))
    (environment.folder / "old").touch()
    if change == "lock":
        (environment.project / LOCK).write_text("one==2.0\n")
    environment.install(Path("/python3.11" if change == "lock" else "/other"))
    assert len(commands) == 4
    assert not (environment.folder / "old").exists()


def test_a_failed_installation_is_repeated_the_next_time(environment: UnitTestEnvironment) -> None:
    for _ in range(2):
        with pytest.raises(NotInstalledError, match=r"exit code 1, so no test ran with Python 3\.11"):
            environment.install(Path("/bin/false"))


def test_the_unit_tests_run_and_are_counted(environment: UnitTestEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "UNIT_TESTS", ("-m", "not e2e", "-p", "no:cacheprovider"))
    (environment.project / "pytest.ini").write_text("[pytest]\nmarkers = e2e\n")
    (environment.project / "test_it.py").write_text(TESTS)
    environment.python.parent.mkdir(parents=True)
    environment.python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    environment.python.chmod(0o755)
    environ = {"PYTHONPATH": "/nowhere", "WANTED": "no", "PATH": "/usr/bin:/bin"}
    outcome = environment.test([], environ)
    assert outcome[:4] == (False, 3, 1, 1)
    assert outcome.seconds is not None
    assert environment.test([], {**environ, "WANTED": "yes"})[:4] == (True, 3, 0, 1)


def test_tests_that_end_without_a_report_have_failed(environment: UnitTestEnvironment) -> None:
    environment.python.parent.mkdir(parents=True)
    environment.python.symlink_to("/bin/true")
    assert environment.test([], {}) == Outcome(passed=False)
