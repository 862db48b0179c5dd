"""The command ``python -m tools.aws_simulator`` refuses to start when it cannot serve."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.aws_simulator import start_simulator
from tools.aws_simulator.__main__ import main
from tools.aws_simulator.server.server import bind


def test_a_second_process_on_the_same_state_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with start_simulator(tmp_path):
        assert main(["--state", str(tmp_path)]) == 2
    assert "Another AWS simulator uses" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::"])  # noqa: S104 - these are refused
def test_only_loopback_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert main(["--host", host, "--state", str(tmp_path / "state")]) == 2
    assert "not a loopback address" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


def test_a_port_in_use_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        assert main(["--port", str(taken.getsockname()[1]), "--state", str(tmp_path / "state")]) == 2
    assert "Cannot listen on 127.0.0.1" in capsys.readouterr().err
