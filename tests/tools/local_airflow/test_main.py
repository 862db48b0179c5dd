"""The exit code and the message of a command show how the command ended."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from include.distill.core.errors import DistillError, InputError
from tools.local_airflow import __main__ as local_airflow
from tools.local_airflow import background, commands
from tools.local_airflow.__main__ import main
from tools.local_airflow.interruption import Interrupted
from tools.local_airflow.lock import LockHeldError

STOPPED = "Everything that was started has been stopped."


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        pytest.param(DistillError("the disk is full"), 1, f"\nFailed: the disk is full\n{STOPPED}\n", id="failed"),
        pytest.param(InputError("DOCUMENTS='0'"), 2, "DOCUMENTS='0'\n", id="refused"),
        pytest.param(LockHeldError("`make run`"), 2, "`make run`\n", id="busy"),
        pytest.param(Interrupted(), 130, f"\nInterrupted. {STOPPED}\n", id="Ctrl-C"),
    ],
)
def test_each_kind_of_end_has_its_exit_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    printed: str,
) -> None:
    def fail(layout: object, environ: object) -> int:
        raise error

    monkeypatch.setattr(commands, "run", fail)
    assert main(["run", "--state", str(tmp_path)]) == code
    assert capsys.readouterr().err == printed


def test_the_folders_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(background, "down", lambda layout, environ: 0 if layout.state == tmp_path / "state" else 1)
    assert main(["down", "--state", "state"]) == 0


@pytest.mark.parametrize("error", [Interrupted(), DistillError("no answer")])
@pytest.mark.parametrize(
    ("command", "url", "left"),
    [
        ("down", None, "Some processes may still be running. Run `make down` again.\n"),
        ("clean", None, "Some processes may still be running. Run `make clean` again.\n"),
        ("up", None, f"{STOPPED}\n"),
        ("up", "http://a", "Airflow is still running: http://a. `make down` stops it.\n"),
    ],
)
def test_the_message_says_what_is_still_running(
    error: BaseException,
    command: str,
    url: str | None,
    left: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(layout: object, environ: object) -> int:
        raise error

    served = SimpleNamespace(ports=SimpleNamespace(ui_url=url)) if url else None
    monkeypatch.setattr(local_airflow, "running_server", lambda layout: served)
    monkeypatch.setattr(background, command, fail)
    main([command, "--state", str(tmp_path)])
    assert capsys.readouterr().err.endswith(left)
