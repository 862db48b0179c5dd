"""An installation runs under the checkout's lock and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.distill.core.errors import InputError
from tools.compose import session
from tools.compose.session import open_installation
from tools.compose.variables import new_variables
from tools.local_airflow.lock import CheckoutLock, LockHeldError
from tools.local_airflow.settings import Layout


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Start nothing. Record the steps that would be carried out."""
    noted: list[str] = []

    class Stack:
        ports = None

        def __init__(self, *_: Any, database_folder: Path, say: Callable[[str], None]) -> None:
            noted.append(f"database in {database_folder.name}, which is there: {database_folder.is_dir()}")

        def give_back(self) -> list[str]:
            noted.append("give back")
            return ["a-throughput"]

        def close(self) -> None:
            noted.append("close")

    monkeypatch.setattr(session, "ComposeStack", Stack)
    monkeypatch.setattr(session, "ensure_servers", lambda _: None)
    monkeypatch.setattr(session, "enter_account", lambda _: None)
    monkeypatch.setattr(session, "can_reach", lambda _: True)
    monkeypatch.setattr(session, "create_database_folder", lambda folder: folder.mkdir(parents=True))
    return noted


def is_free(lock: Path) -> bool:
    held = CheckoutLock(lock)
    try:
        held.acquire("test")
    except LockHeldError:
        return False
    held.release()
    return True


def test_an_installation_is_closed_and_the_lock_released_whatever_ends_the_block(
    events: list[str], tmp_path: Path
) -> None:
    layout, lock, said = Layout(state=tmp_path / "celery"), tmp_path / "lock", []

    def open_and_raise() -> None:
        with open_installation(layout, lock, new_variables(), said.append):
            assert not is_free(lock)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_and_raise()
    assert events == ["database in postgres, which is there: True", "give back", "close"]
    assert said == ["Deleted the simulated endpoint a-throughput, which the run had not released."]
    assert is_free(lock)


def test_an_installation_starts_empty_except_for_the_last_report(events: list[str], tmp_path: Path) -> None:
    layout = Layout(state=tmp_path / "celery")
    for folder in (layout.airflow_home, layout.aws_simulator, layout.logs, layout.state / "postgres", layout.report):
        folder.mkdir(parents=True)
        (folder / "old").touch()
    with open_installation(layout, tmp_path / "lock", new_variables(), lambda _: None):
        kept = {path.relative_to(layout.state).as_posix() for path in layout.state.rglob("old")}
    assert kept == {"report/old"}
    assert events


def test_a_running_command_is_not_disturbed(events: list[str], tmp_path: Path) -> None:
    layout, lock = Layout(state=tmp_path / "celery"), tmp_path / "lock"
    running = CheckoutLock(lock)
    running.acquire("make run")
    layout.airflow_home.mkdir(parents=True)
    with pytest.raises(LockHeldError, match="make run"), open_installation(layout, lock, new_variables(), pytest.fail):
        pass
    assert layout.airflow_home.is_dir()
    assert events == []
    running.release()


def test_a_compose_file_that_cannot_be_used_leaves_the_lock_free(events: list[str], tmp_path: Path) -> None:
    layout, lock = Layout(state=tmp_path / "celery"), tmp_path / "lock"
    variables = {**new_variables(), "JWT_SECRET": ""}
    with (
        pytest.raises(InputError, match="JWT_SECRET is not set"),
        open_installation(layout, lock, variables, pytest.fail),
    ):
        pass
    assert is_free(lock)
    assert events == []
