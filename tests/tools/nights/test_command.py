"""The command writes into the simulated account only, and not while a run is in progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from include.distill.core.errors import InputError, StoredRecordError
from include.distill.history.months import read_history, update_run
from include.distill.history.records import HistoryEntry
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


@pytest.mark.parametrize("state", ["running", "queued"])
def test_nothing_is_written_while_a_run_is_in_progress(
    steps: list[str], monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr(command, "running_server", lambda layout: FakeServer(state))
    with pytest.raises(InputError, match=r"manual__1 of distill_aws_docs_qa is in progress\. Nothing was written"):
        command.nights(Layout(), {})
    assert steps == []


def test_the_output_says_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    store = MemoryStore()
    command.write_all(store, Layout(), now=NOW, count=2)
    printed = capsys.readouterr().out
    assert "aws_docs_qa (SIMULATED): 2 runs from 2026-11-27 to 2026-11-28" in printed
    assert "compare_methods (SIMULATED): 1 run from 2026-11-27" in printed
    objects = dict(store.objects)
    command.write_all(store, Layout(), now=NOW, count=2)
    assert "in place of 2 runs of an earlier `make nights`" in capsys.readouterr().out
    assert store.objects == objects, "a second command writes the same"


def test_no_nights_remove_the_earlier_ones(capsys: pytest.CaptureFixture[str]) -> None:
    store = MemoryStore()
    command.write_all(store, Layout(), now=NOW, count=1)
    capsys.readouterr()
    command.write_all(store, Layout(), now=NOW, count=0)
    printed = capsys.readouterr().out
    assert "aws_docs_qa (SIMULATED): 0 runs, in place of 1 runs of an earlier `make nights`" in printed
    assert not [uri for uri in store.objects if "/runs/" in uri or "/reports/" in uri]


def test_a_command_that_was_stopped_halfway_is_completed_by_the_next_one() -> None:
    complete, store = MemoryStore(), MemoryStore()
    command.write_all(complete, Layout(), now=NOW, count=2)

    def stop(uri: str, body: bytes) -> None:
        if len(store.writes) == 9:
            raise KeyboardInterrupt
        MemoryStore.write(store, uri, body)

    store.write = stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        command.write_all(store, Layout(), now=NOW, count=2)
    assert 0 < len(store.objects) < len(complete.objects)
    del store.write  # type: ignore[method-assign]
    command.write_all(store, Layout(), now=NOW, count=2)
    assert store.objects == complete.objects


def test_a_run_that_the_history_calls_running_is_kept() -> None:
    store = MemoryStore()
    [use_case, _] = command.write_all(store, Layout(), now=NOW, count=1)
    night = use_case.entries[0]
    own: HistoryEntry = {**night, "run_key": "own", "run_id": "manual__1", "state": "running", "ended_at": None}
    root = next(uri for uri in store.objects if "/history/" in uri).partition("/history/")[0]
    update_run(store, root, night["use_case"], "own", datetime.fromisoformat(night["started_at"]), lambda _: own)
    command.write_all(store, Layout(), now=NOW, count=1)
    assert own in read_history(store, root, night["use_case"])


def test_a_damaged_history_stops_the_command_with_a_next_step() -> None:
    store = MemoryStore()
    command.write_all(store, Layout(), now=NOW, count=1)
    month = next(uri for uri in store.objects if "/history/aws_docs_qa/" in uri)
    store.objects[month] = b"{"
    objects = dict(store.objects)
    with pytest.raises(StoredRecordError, match=r"aws_docs_qa/2026-11\.json is not JSON.*Download the object"):
        command.write_all(store, Layout(), now=NOW, count=1)
    assert store.objects == objects
