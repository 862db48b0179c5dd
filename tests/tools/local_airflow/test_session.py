"""However a session ends, its stack is stopped and the lock is released."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.distill.config.loader import load_use_cases
from tools.local_airflow import session as session_module
from tools.local_airflow.account import SimulatorError
from tools.local_airflow.lock import CheckoutLock, read_holder
from tools.local_airflow.session import open_session
from tools.local_airflow.settings import Layout


class FakeStack:
    """A stack that starts nothing."""

    given_back: tuple[str, ...] | Exception = ()
    closed = 0

    def __init__(self, layout: Layout, ports: Any, environment: Any) -> None:
        self.environment = environment

    def give_back(self) -> list[str]:
        if isinstance(self.given_back, Exception):
            raise self.given_back
        return list(self.given_back)

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture(autouse=True)
def fake_stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FakeStack]]:
    before = dict(os.environ)
    monkeypatch.setattr(session_module, "LocalStack", FakeStack)
    monkeypatch.setattr(FakeStack, "closed", 0)
    yield FakeStack
    os.environ.clear()
    os.environ.update(before)


def test_the_lock_is_held_during_the_session_and_released_after_it(tmp_path: Path) -> None:
    layout = Layout(state=tmp_path)
    with open_session(layout, {}, input_roots=[], command="make run", schedules="off") as session:
        holder = read_holder(layout.lock)
        assert holder == session.holder
        assert session.stack.environment["DISTILL_SCHEDULES"] == "off"
    assert read_holder(layout.lock) is None
    CheckoutLock(layout.lock).acquire("make run")


def test_the_stack_loads_the_use_cases_of_the_checkout_and_those_of_the_past(tmp_path: Path) -> None:
    layout = Layout(state=tmp_path)
    with open_session(layout, {}, input_roots=[], command="make up", schedules="housekeeping") as session:
        folder = Path(session.stack.environment["DISTILL_USE_CASES"])
    assert {"article.yaml", "aws_docs_qa.yaml"} < {path.name for path in folder.iterdir()}
    assert load_use_cases(folder, session.stack.environment).problems == ()


def test_an_error_in_the_session_stops_the_stack(tmp_path: Path, fake_stack: type[FakeStack]) -> None:
    layout = Layout(state=tmp_path)
    with (
        pytest.raises(ValueError, match="broken"),
        open_session(layout, {}, input_roots=[], command="make run", schedules="off"),
    ):
        raise ValueError("broken")
    assert fake_stack.closed == 1
    assert read_holder(layout.lock) is None


@pytest.mark.parametrize(
    ("given_back", "printed"),
    [
        pytest.param(("qa-tuned",), "Deleted the simulated endpoint qa-tuned", id="rented"),
        pytest.param(SimulatorError("no answer"), "before it starts. The error was: no answer", id="no answer"),
    ],
)
def test_remaining_throughputs_are_deleted_or_reported(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fake_stack: type[FakeStack],
    given_back: tuple[str, ...] | Exception,
    printed: str,
) -> None:
    monkeypatch.setattr(fake_stack, "given_back", given_back)
    with open_session(Layout(state=tmp_path), {}, input_roots=[], command="make run", schedules="off"):
        pass
    assert printed in capsys.readouterr().out
    assert fake_stack.closed == 1
