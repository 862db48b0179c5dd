from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.foreign_clients import measurement
from tools.foreign_clients.clients import Client
from tools.foreign_clients.environments import InstallationError
from tools.foreign_clients.measurement import Result, environment_of, error_line, measure, outcome, shortened

URL = "http://127.0.0.1:1"
CLIENT = Client("a", "a_client", ("hello", "s3"), endpoint_variable="A_ENDPOINT")
TRACEBACK = """A warning: nothing
Traceback (most recent call last):
  File "x.py", line 1, in <module>
    raise Refused("no")
a.b.Refused: An error: no
For further information visit us
"""


def test_a_script_sees_the_simulator_and_no_credentials(tmp_path: Path) -> None:
    current = {"AWS_PROFILE": "real", "OPENAI_API_KEY": "real", "PATH": "/bin", "HOME": "/root"}
    variables = environment_of(CLIENT, URL, current, tmp_path)
    assert variables["AWS_ENDPOINT_URL"] == variables["A_ENDPOINT"] == URL
    assert not {"AWS_PROFILE", "OPENAI_API_KEY"} & set(variables)
    assert (variables["PATH"], variables["HOME"]) == ("/bin", str(tmp_path))


def test_outcome(tmp_path: Path) -> None:
    def of(code: str, seconds: float = 60) -> str:
        return outcome([sys.executable, "-c", code], {}, tmp_path, seconds)

    assert of("pass") == "ok"
    assert of("raise ValueError('no | way')") == r"ValueError: no \| way"
    assert of("raise SystemExit(3)") == "exit code 3"
    assert of("import threading; threading.Event().wait()", 0.2) == "did not end within 0.2 s"


def test_error_line() -> None:
    assert error_line(TRACEBACK) == "a.b.Refused: An error: no"
    assert error_line("killed\n") == "killed"
    assert error_line("a.RetryError: <failed>\n  the cause\n") == "a.RetryError: <failed> the cause"
    assert error_line("") == ""


def test_shortened() -> None:
    assert shortened("a\n  b | c") == r"a b \| c"
    assert len(shortened("x" * 500)) == measurement.LONGEST_ERROR


def test_measure_runs_each_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "install", lambda requirements, folder: folder / "python")
    monkeypatch.setattr(measurement, "version", lambda python, name: "1.2")
    monkeypatch.setattr(measurement, "outcome", lambda command, *_: "ok" if command[-1] == "s3" else " ".join(command))
    result = measure(CLIENT, URL, tmp_path)
    command = f"{tmp_path / 'a' / 'python'} -m tools.foreign_clients.scripts.a_client hello"
    assert result == Result("a", "1.2", {"hello": command, "s3": "ok"})
    assert not result.good


def test_a_client_that_cannot_be_installed_fails_each_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(requirements: tuple[str, ...], folder: Path) -> Path:
        raise InstallationError("no such package")

    monkeypatch.setattr(measurement, "install", refuse)
    expected = {"hello": "no such package", "s3": "no such package"}
    assert measure(CLIENT, URL, tmp_path) == Result("a", "not installed", expected)


def test_good() -> None:
    assert Result("a", "1", {"hello": "ok"}).good
    assert not Result("a", "1").good
