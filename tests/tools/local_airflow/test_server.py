"""The background process of `make up` is found and stopped, and no other process is ever stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tools.local_airflow import health as health_module
from tools.local_airflow import server
from tools.local_airflow.background import down
from tools.local_airflow.gathered_use_cases import gather_use_cases
from tools.local_airflow.health import REPORTED
from tools.local_airflow.lock import Holder, LockHeldError
from tools.local_airflow.process_table import start_time
from tools.local_airflow.processes import ComponentDiedError
from tools.local_airflow.restart_log import RestartLog
from tools.local_airflow.server import (
    ServedStack,
    describe_end,
    remember_folders,
    running_server,
    stop_server,
    watch,
)
from tools.local_airflow.settings import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(state=tmp_path)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield sleeper
    sleeper.kill()
    sleeper.wait()


@pytest.fixture
def holder(process: subprocess.Popen[bytes]) -> Holder:
    return Holder("make up", process.pid, start_time(process.pid), "2026-01-01T00:00:00+00:00", 8080, 8090)


def record(layout: Layout, holder: Holder) -> None:
    layout.lock.write_text(json.dumps(asdict(holder)))


def test_a_stack_that_answers_is_found(layout: Layout, holder: Holder) -> None:
    record(layout, holder)
    served = running_server(layout)
    assert served is not None
    assert served.ports.ui_url == "http://127.0.0.1:8080"
    assert served.api is served.api, "one client for all requests"
    served.check()


def test_a_stack_that_does_not_answer_yet_or_belongs_to_another_command_is_not_found(
    layout: Layout, holder: Holder
) -> None:
    for other in (replace(holder, api_port=0), replace(holder, command="make run"), replace(holder, started=0.5)):
        record(layout, other)
        assert running_server(layout) is None


def test_nothing_is_stopped_when_nothing_runs(layout: Layout) -> None:
    assert running_server(layout) is None
    assert not stop_server(layout)


def test_the_background_process_is_stopped(layout: Layout, holder: Holder, process: subprocess.Popen[bytes]) -> None:
    record(layout, holder)
    assert stop_server(layout)
    assert process.wait(10) == -15


def test_a_process_that_got_the_pid_later_is_never_stopped(
    layout: Layout, holder: Holder, process: subprocess.Popen[bytes]
) -> None:
    record(layout, replace(holder, started=0.5))
    assert not stop_server(layout)
    assert process.poll() is None


def test_another_command_is_not_stopped(layout: Layout, holder: Holder, process: subprocess.Popen[bytes]) -> None:
    record(layout, replace(holder, command="make run"))
    with pytest.raises(LockHeldError, match=rf"`make run` \(process {process.pid}\).*Nothing was stopped\. Press"):
        stop_server(layout)
    assert process.poll() is None


def test_a_stack_whose_process_has_ended_shows_the_end_of_its_log(layout: Layout, holder: Holder) -> None:
    layout.logs.mkdir()
    layout.log_of("up").write_text("the disk is full\n")
    with pytest.raises(ComponentDiedError, match="the disk is full"):
        ServedStack(layout, replace(holder, started=0.5)).check()


class StackThatDies:
    """A stack with one restart, whose scheduler then cannot be kept running."""

    def __init__(self) -> None:
        self.notes = iter([[], ["scheduler ended on its own (exit code 137), so it was restarted."]])

    def check(self) -> list[str]:
        try:
            return next(self.notes)
        except StopIteration:
            raise ComponentDiedError("scheduler ended on its own, after it was restarted 3 times") from None


def test_restarts_and_the_end_of_a_stack_are_told_to_later_commands(
    layout: Layout, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout.logs.mkdir()
    served = ServedStack(layout, holder)
    assert served.check() == []
    monkeypatch.setattr(server, "WATCH_SECONDS", 0.001)
    stack: Any = StackThatDies()
    with pytest.raises(ComponentDiedError, match="after it was restarted"):
        watch(stack, layout)
    (note,) = served.check()
    assert note.endswith("UTC: scheduler ended on its own (exit code 137), so it was restarted.")
    assert served.check() == []
    assert ServedStack(layout, holder).restarts.lines() == [note]
    assert ServedStack(layout, holder).check() == [], "a later command does not print it again"
    assert "has ended on its own. Its state is kept." in describe_end(layout)
    assert "scheduler ended on its own, after it was restarted 3 times" in describe_end(layout)


def test_a_use_case_that_is_added_to_the_checkout_is_loaded_by_a_running_stack(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = replace(layout, use_cases=layout.state / "own")
    layout.use_cases.mkdir()
    layout.logs.mkdir()
    gather_use_cases(layout)
    (layout.use_cases / "new.yaml").touch()
    monkeypatch.setattr(server, "WATCH_SECONDS", 0.001)
    stack: Any = StackThatDies()
    with pytest.raises(ComponentDiedError):
        watch(stack, layout)
    assert (layout.all_use_cases / "new.yaml").is_file()


def test_a_killed_background_process_is_told_to_the_next_command(
    layout: Layout, holder: Holder, process: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    record(layout, holder)
    assert describe_end(layout) == ""
    process.kill()
    process.wait()
    assert f"has ended without `make down`: its process {process.pid} was killed" in describe_end(layout)
    assert down(layout, {}) == 0
    assert f"its process {process.pid} was killed" in capsys.readouterr().out
    assert describe_end(layout) == "", "it is told once"


def test_a_stack_that_was_stopped_on_purpose_needs_no_explanation(layout: Layout) -> None:
    assert describe_end(layout) == ""
    layout.lock.write_text("")
    assert describe_end(layout) == ""


def test_a_component_that_was_just_restarted_is_healthy_only_after_its_own_heartbeat(
    layout: Layout, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout.logs.mkdir()
    served = ServedStack(layout, holder)
    answer: dict[str, Any] = {"metadatabase": {"status": "healthy"}}
    before = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    for key in REPORTED.values():
        answer[key] = {"status": "healthy", f"latest_{key}_heartbeat": before}
    monkeypatch.setattr(type(served.api), "health", lambda _: answer)
    monkeypatch.setattr(health_module, "is_open", lambda _: True)
    assert served.problems() == []
    RestartLog(layout.log_of("restarts")).add("scheduler ended on its own (exit code 137), so it was restarted.")
    assert [problem.component for problem in served.problems()] == ["scheduler"]
    answer["scheduler"]["latest_scheduler_heartbeat"] = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    assert served.problems() == []


@pytest.mark.parametrize(
    ("health", "simulator_answers", "components"),
    [(None, True, ["api-server"]), (None, False, ["api-server", "aws-simulator"])],
)
def test_the_problems_of_a_stack_include_the_simulator(
    layout: Layout,
    holder: Holder,
    monkeypatch: pytest.MonkeyPatch,
    health: Any,
    simulator_answers: bool,
    components: list[str],
) -> None:
    served = ServedStack(layout, holder)
    monkeypatch.setattr(type(served.api), "health", lambda _: health)
    monkeypatch.setattr(health_module, "is_open", lambda _: simulator_answers)
    assert [problem.component for problem in served.problems()] == components


def test_the_folders_of_earlier_runs_stay_readable(layout: Layout, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert remember_folders(layout, []) == []
    assert remember_folders(layout, [first]) == [first]
    assert remember_folders(layout, [second]) == [second, first]
    assert remember_folders(layout, []) == [second, first], "make up without CSV continues a run"
    first.rmdir()
    assert remember_folders(layout, [second]) == [second]
    layout.input_folders.write_text("{")
    assert remember_folders(layout, []) == []


def test_restarts_before_a_crash_are_printed_by_the_next_command(layout: Layout, holder: Holder) -> None:
    layout.logs.mkdir()
    RestartLog(layout.log_of("restarts")).add("scheduler ended on its own")
    (note,) = ServedStack(layout, holder).check()
    assert note.endswith("scheduler ended on its own")
