"""A component that ends or hangs is restarted, and a fault that a restart does not cure ends the stack."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools.local_airflow import health
from tools.local_airflow.health import REPORTED
from tools.local_airflow.processes import ComponentDiedError
from tools.local_airflow.settings import Layout
from tools.local_airflow.supervision import (
    API_STALLED_SECONDS,
    MAX_RESTARTS,
    SIMULATOR_STALLED_SECONDS,
    STALLED_SECONDS,
    WINDOW_SECONDS,
    Supervisor,
)


class FakeStack:
    """The components of a stack and Airflow's API, without processes. The test moves the clock."""

    def __init__(self, state: Path) -> None:
        self.time = 1000.0
        self.silent: set[str] = set()
        self.dead: dict[str, int] = {}
        self.restarted: list[str] = []
        self.answers = True
        self.simulator_answers = True
        api: Any = self
        self.supervisor = Supervisor(Layout(state=state), api, api, "http://simulator", now=lambda: self.time)

    def health(self) -> dict[str, Any] | None:
        if not self.answers:
            return None
        answer: dict[str, Any] = {"metadatabase": {"status": "healthy"}}
        for name, key in REPORTED.items():
            status = "unhealthy" if name in self.silent else "healthy"
            answer[key] = {"status": status, f"latest_{key}_heartbeat": datetime.now(UTC).isoformat()}
        return answer

    def ended(self) -> dict[str, int]:
        return dict(self.dead)

    def restart(self, name: str) -> None:
        self.restarted.append(name)
        self.dead.pop(name, None)
        self.silent.discard(name)
        self.answers = True
        self.simulator_answers = True

    def pass_time(self, seconds: float) -> list[str]:
        """Let time pass while the stack is checked once a second."""
        notes = []
        for _ in range(int(seconds)):
            self.time += 1
            notes += self.supervisor.check()
        return notes


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    fake = FakeStack(tmp_path)
    monkeypatch.setattr(health, "is_open", lambda url: url == "http://simulator" and fake.simulator_answers)
    return fake


def test_a_healthy_stack_is_left_alone(stack: FakeStack) -> None:
    assert stack.pass_time(600) == []
    assert stack.restarted == []


@pytest.mark.parametrize("name", [*REPORTED, "api-server", "aws-simulator"])
def test_a_component_that_was_killed_is_restarted_at_once(stack: FakeStack, name: str) -> None:
    stack.dead = {name: 137}
    (note,) = stack.pass_time(1)
    assert stack.restarted == [name]
    assert note.startswith(f"{name} ended on its own (exit code 137), so it was restarted.")
    assert f"{name}.log" in note
    assert stack.pass_time(60) == []


@pytest.mark.parametrize("name", REPORTED)
def test_a_component_that_hangs_is_restarted_after_a_while(stack: FakeStack, name: str) -> None:
    stack.silent = {name}
    assert stack.pass_time(STALLED_SECONDS - 5) == []
    (note,) = stack.pass_time(30)
    assert stack.restarted == [name]
    assert note.startswith(f"{name} has sent no heartbeat since ")


def test_an_api_server_that_hangs_is_restarted(stack: FakeStack) -> None:
    stack.answers = False
    assert stack.pass_time(API_STALLED_SECONDS - 5) == []
    notes = stack.pass_time(30)
    assert stack.restarted == ["api-server"]
    assert notes[0].startswith("api-server does not answer, so it was restarted.")


@pytest.mark.parametrize("api_answers", [True, False])
def test_a_simulator_that_hangs_is_restarted_within_about_two_minutes(stack: FakeStack, api_answers: bool) -> None:
    stack.simulator_answers = False
    stack.answers = api_answers
    assert stack.pass_time(SIMULATOR_STALLED_SECONDS - 5) == []
    (note,) = stack.pass_time(30)
    assert stack.restarted == ["aws-simulator"]
    assert note.startswith("aws-simulator does not answer, so it was restarted. Its state is kept.")


@pytest.mark.parametrize("name", [*REPORTED, "api-server", "aws-simulator"])
def test_only_the_scheduler_starts_its_tasks_again(stack: FakeStack, name: str) -> None:
    stack.dead = {name: 137}
    (note,) = stack.pass_time(1)
    assert ("Tasks that it ran are started again." in note) == (name == "scheduler")


def test_a_busy_machine_that_only_delays_heartbeats_restarts_nothing(stack: FakeStack) -> None:
    for _ in range(20):
        stack.silent = {"scheduler", "triggerer"}
        stack.pass_time(STALLED_SECONDS - 15)
        stack.silent = set()
        stack.pass_time(15)
    assert stack.restarted == []


def test_a_component_that_ends_again_and_again_ends_the_stack(stack: FakeStack, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "scheduler.log").write_text("the disk is full\n")
    for _ in range(MAX_RESTARTS):
        stack.dead = {"scheduler": 1}
        stack.pass_time(20)
    stack.dead = {"scheduler": 1}
    with pytest.raises(ComponentDiedError, match=r"(?s)scheduler ended .* restarted 3 times .*the disk is full"):
        stack.pass_time(1)


def test_restarts_that_lie_far_apart_do_not_end_the_stack(stack: FakeStack) -> None:
    for _ in range(3 * MAX_RESTARTS):
        stack.dead = {"scheduler": 1}
        stack.pass_time(WINDOW_SECONDS / 2)
    assert len(stack.restarted) == 3 * MAX_RESTARTS
