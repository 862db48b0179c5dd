"""The exit code and the message of a command show how the command ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.distill.core.errors import DistillError, InputError
from tools.local_airflow import background, commands
from tools.local_airflow.__main__ import main
from tools.local_airflow.interruption import Interrupted
from tools.local_airflow.lock import LockHeldError


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        pytest.param(DistillError("the disk is full"), 1, "\nFailed: the disk is full\n", id="failed"),
        pytest.param(InputError("DOCUMENTS='0'"), 2, "DOCUMENTS='0'\n", id="refused"),
        pytest.param(LockHeldError("`make run`"), 2, "`make run`\n", id="busy"),
        pytest.param(Interrupted(), 130, "\nInterrupted. Everything that was started has been stopped.\n", id="Ctrl-C"),
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
