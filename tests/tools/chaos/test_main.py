"""The command selects cases and random schedules, and writes their use cases before Airflow starts."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.distill.config.loader import load_use_cases
from tools.chaos import __main__ as command
from tools.chaos.__main__ import FAST, WALKS, chosen, main, parse
from tools.local_airflow.interruption import Interrupted
from tools.local_airflow.settings import Layout


class InterruptedStack:
    """A stack whose start shows which use cases Airflow would load, and is then interrupted by a person."""

    started_with: tuple[int, list[str]]
    closed = 0

    def __init__(self, state: Path, *, lanes: int, is_patient: bool) -> None:
        self.layout = Layout(use_cases=state / "use_cases", state=state)
        self.lanes = [SimpleNamespace()] * lanes

    def start(self, dags: int) -> None:
        loaded = load_use_cases(self.layout.use_cases)
        assert loaded.problems == ()
        assert json.loads((self.layout.use_cases / "provider.json").read_text()) == []
        type(self).started_with = (dags, [use_case.name for use_case in loaded.valid])
        raise Interrupted

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> type[InterruptedStack]:
    monkeypatch.setattr(command, "Stack", InterruptedStack)
    monkeypatch.setattr(InterruptedStack, "closed", 0)
    return InterruptedStack


def run(tmp_path: Path, *arguments: str) -> int:
    return main([*arguments, "--state", str(tmp_path / "chaos"), "--out", str(tmp_path / "chaos.json")])


def test_random_schedules_need_no_case(tmp_path: Path, stack: type[InterruptedStack]) -> None:
    assert run(tmp_path, "--only", "-", "--walks", "12", "--seed", "424242") == 130
    assert stack.started_with == (15, ["c01", "c02", *(f"w{number:02}" for number in range(13))])


def test_the_state_folder_of_the_local_commands_is_readable_by_its_owner_only(
    tmp_path: Path, stack: type[InterruptedStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "LOCAL", tmp_path / ".local")
    assert main(["--fast"]) == 130
    assert stat.S_IMODE((tmp_path / ".local").stat().st_mode) == 0o700


def test_cases_need_no_random_schedule(tmp_path: Path, stack: type[InterruptedStack]) -> None:
    assert run(tmp_path, "--fast") == 130
    assert stack.started_with == (4, ["c01", "c02", "c03", "c04"])


def test_an_interrupted_command_stops_everything_and_writes_no_result(
    tmp_path: Path, stack: type[InterruptedStack], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--fast") == 130
    assert stack.closed == 1
    assert not (tmp_path / "chaos.json").exists()
    assert "No result was written" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "walks"),
    [
        pytest.param([], WALKS, id="everything"),
        pytest.param(["--fast"], 0, id="fast"),
        pytest.param(["--only", "net"], 0, id="named cases"),
        pytest.param(["--only", "-", "--walks", "5"], 5, id="schedules only"),
    ],
)
def test_schedules_run_with_all_cases_or_on_request(arguments: list[str], walks: int) -> None:
    assert parse(arguments).walks == walks


def names(*arguments: str) -> list[str]:
    return [case.name for case in chosen(parse(arguments))]


def test_cases_are_selected_by_parts_of_their_names() -> None:
    every: Any = names()
    assert set(names("--only", "scheduler SIGKILL", "polling")) == {
        name for name in every if "scheduler SIGKILL" in name or "polling" in name
    }
    assert set(names("--fast")) == set(FAST)
    assert names("--only", "-") == []


def test_a_name_that_matches_no_case_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--only", "polling", "no such case"])
    assert ended.value.code == 2
    assert "contains 'no such case'. Nothing was started" in capsys.readouterr().err


def test_the_list_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--list") == 0
    out = capsys.readouterr().out
    assert "net: on_kill alone, waiting for the job" in out
    assert "left out: waiting / worker SIGKILL: a deferred task does not run in a worker" in out
    assert not (tmp_path / "chaos").exists()
