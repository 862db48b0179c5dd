"""The command writes into the simulated account only, and not while a run is in progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from include.distill.core.errors import InputError
from tests.fakes.memory_store import MemoryStore
from tools.local_airflow.ports import Ports
from tools.local_airflow.settings import Layout
from tools.nights import command

NOW = datetime(2026, 11, 28, 14, tzinfo=UTC)


class FakeServer:
    ports = Ports(api=1, simulator=2)

    def __init__(self, state: str) -> None:
        self.api = self
        self._state = state

    def runs(self, dag_id: str) -> list[dict[str, str]]:
        return [{"dag_run_id": "manual__1", "state": self._state}]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    steps: list[str] = []

    @contextmanager
    def session(*_: Any, **__: Any) -> Iterator[Any]:
        yield SimpleNamespace(stack=SimpleNamespace(start_simulator=lambda: steps.append("start")))
        steps.append("stop")

    monkeypatch.setattr(command, "open_session", session)
    monkeypatch.setattr(command, "SimulatedBuckets", MemoryStore)
    monkeypatch.setattr(command, "enter_account", lambda ports: steps.append(f"enter {ports.simulator}"))
    monkeypatch.setattr(command, "write_all", lambda store, layout: steps.append("write"))
    return steps


def test_without_airflow_the_simulator_is_started_and_stopped(
    steps: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "running_server", lambda layout: None)
    command.nights(Layout(), {})
    assert steps == ["start", "write", "stop"]
    printed = capsys.readouterr().out
    assert "SIMULATED" in printed
    assert "Run `make up`" in printed


def test_a_running_stack_gets_the_nights(steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "running_server", lambda layout: FakeServer("success"))
    command.nights(Layout(), {})
    assert steps == ["enter 2", "write"]


def test_nothing_is_written_while_a_run_is_in_progress(steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "running_server", lambda layout: FakeServer("running"))
    with pytest.raises(InputError, match=r"manual__1 of distill_aws_docs_qa is in progress\. Nothing was written"):
        command.nights(Layout(), {})
    assert steps == []


def test_the_output_says_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    store = MemoryStore()
    command.write_all(store, Layout(), now=NOW, count=2)
    printed = capsys.readouterr().out
    assert "aws_docs_qa (SIMULATED): 2 runs from 2026-11-27 to 2026-11-28" in printed
    assert "compare_methods (SIMULATED): 1 runs" in printed
    command.write_all(store, Layout(), now=NOW, count=2)
    assert "in place of 2 runs of an earlier `make nights`" in capsys.readouterr().out
