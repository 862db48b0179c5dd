"""The background process of `make up` is found and stopped, and no other process is ever stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tools.local_airflow.lock import Holder, LockHeldError
from tools.local_airflow.process_table import start_time
from tools.local_airflow.processes import ComponentDiedError
from tools.local_airflow.server import ServedStack, running_server, stop_server
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
