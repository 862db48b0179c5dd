"""The exit code and the message of a command show how the command ended."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from include.distill.core.errors import DistillError, InputError
from tools.local_airflow import background, commands
from tools.local_airflow.__main__ import main
from tools.local_airflow.interruption import Interrupted
from tools.local_airflow.lock import Holder, LockHeldError
from tools.local_airflow.process_table import start_time

CONTINUES = "A run that was started continues. `make down` stops both."
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
    ("command", "port", "left"),
    [
        ("down", None, "Some processes may still be running. Run `make down` again.\n"),
        ("clean", None, "Some processes may still be running. Run `make clean` again.\n"),
        ("up", None, f"{STOPPED}\n"),
        ("up", 8080, f"Airflow is still running: http://127.0.0.1:8080. {CONTINUES}\n"),
        ("up", 0, f"Airflow is still running. {CONTINUES}\n"),
    ],
)
def test_the_message_says_what_is_still_running(
    error: BaseException,
    command: str,
    port: int | None,
    left: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(layout: object, environ: object) -> int:
        raise error

    if port is not None:
        holder = Holder("make up", os.getpid(), start_time(os.getpid()), "", port, port)
        (tmp_path / "lock").write_text(json.dumps(asdict(holder)))
    monkeypatch.setattr(background, command, fail)
    main([command, "--state", str(tmp_path)])
    assert capsys.readouterr().err.endswith(left)
