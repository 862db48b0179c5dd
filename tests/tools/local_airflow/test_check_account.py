"""The command checks the account in the environment of the local stack. The stack itself is not started here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.local_airflow import check_account
from tools.local_airflow.settings import Layout


class FakeStack:
    environment = {"PYTHONPATH": str(PROJECT_ROOT), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}  # noqa: RUF012

    def __init__(self) -> None:
        self.steps: list[str] = []

    def start(self, *, fresh_database: bool) -> None:
        assert not fresh_database, "the runs of earlier commands would be lost"
        self.steps.append("start")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    stack = FakeStack()

    @contextmanager
    def session(*_: Any, **__: Any) -> Iterator[Any]:
        yield SimpleNamespace(stack=stack)
        stack.steps.append("stop")

    monkeypatch.setattr(check_account, "open_session", session)
    return stack


@pytest.mark.parametrize(("environ", "arguments"), [({}, []), ({"USE_CASE": "aws_docs_qa"}, ["aws_docs_qa"])])
@pytest.mark.parametrize(("returned", "code"), [(0, 0), (1, 1), (2, 1)])
def test_the_plugins_command_runs_while_the_stack_runs_and_its_result_is_kept(
    stack: FakeStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    arguments: list[str],
    returned: int,
    code: int,
) -> None:
    def run(command: list[str], **options: Any) -> Any:
        stack.steps.append("check")
        assert command == [sys.executable, "-m", check_account.MODULE, *arguments]
        assert options["env"]["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
        return SimpleNamespace(returncode=returned)

    monkeypatch.setattr(subprocess, "run", run)
    assert check_account.check_account(Layout(state=tmp_path), environ) == code
    assert stack.steps == ["start", "check", "stop"]


def test_the_command_of_the_plugin_can_be_imported_in_its_environment(tmp_path: Path) -> None:
    environment = check_account.with_plugins({"PYTHONPATH": str(PROJECT_ROOT)}, Layout(state=tmp_path))
    command = [sys.executable, "-c", f"import {check_account.MODULE} as m; print(m.__file__)"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(PROJECT_ROOT / "plugins/bedrock_distill/check_account.py"), done.stderr
