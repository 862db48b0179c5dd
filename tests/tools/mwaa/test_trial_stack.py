from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.local_airflow.ports import Ports
from tools.local_airflow.processes import Component
from tools.local_airflow.settings import Layout
from tools.mwaa.installation import Installation
from tools.mwaa.trial_stack import TrialStack


class RecordingGroup:
    """Takes the place of a group of processes, and records what it was asked to do."""

    def __init__(self) -> None:
        self.started: list[Component] = []
        self.finished: list[str] = []

    def start(self, component: Component) -> None:
        self.started.append(component)

    def finish(self, name: str, timeout_seconds: float) -> None:
        self.finished.append(name)


class RecordingApi:
    """Takes the place of Airflow's API."""

    def __init__(self) -> None:
        self.users: list[tuple[str, str]] = []
        self.bodies: list[Any] = []

    def sign_in(self, user: str, password: str) -> None:
        self.users.append((user, password))

    def change_pools(self, body: Any) -> None:
        assert self.users, "MWAA's Airflow has a login"
        self.bodies.append(body)


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrialStack:
    installation = Installation(tmp_path / "airflow", tmp_path / "bin", tmp_path / "python")
    layout = Layout(project=tmp_path, state=tmp_path)
    made = TrialStack(layout, Ports(1, 2), {}, installation=installation, package=tmp_path)
    monkeypatch.setattr(made, "_group", RecordingGroup())
    monkeypatch.setattr(made, "api", RecordingApi())
    return made


def group(stack: TrialStack) -> Any:
    return stack._group


def test_airflow_runs_from_the_installation(stack: TrialStack, tmp_path: Path) -> None:
    for name in ("api-server", "scheduler"):
        stack._start_airflow(name)
    program = ["env", "-C", str(tmp_path / "airflow"), str(tmp_path / "bin" / "airflow")]
    assert [component.command for component in group(stack).started] == [
        [*program, "api-server"],
        [*program, "scheduler", "--skip-serve-logs"],
    ]


def test_the_new_database_gets_a_user_who_can_sign_in(stack: TrialStack, tmp_path: Path) -> None:
    (tmp_path / "pools.json").write_text(json.dumps({"actions": []}))
    stack._prepare_database(fresh=True)
    assert group(stack).finished == ["migrate", "user"]
    stack._create_pools()
    created = list(group(stack).started[1].command)
    api: Any = stack.api
    assert api.users == [(created[created.index("--username") + 1], created[created.index("--password") + 1])]
    assert api.bodies == [{"actions": []}]
