from __future__ import annotations

import pytest

from tools.fuzz import __main__ as command
from tools.fuzz import guided, session
from tools.fuzz.engine import Failure, Result


@pytest.mark.parametrize(("failures", "code"), [({}, 0), ({"place": Failure("place", "text", b"x")}, 1)])
def test_the_exit_code_says_whether_an_input_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failures: dict[str, Failure], code: int
) -> None:
    given: list[object] = []

    def run_targets(*arguments: object, is_guided: bool) -> list[Result]:
        given.extend([*arguments[:3], is_guided])
        return [Result("csv", 7, 1.0, failures)]

    monkeypatch.setattr(command.logging, "disable", lambda level: None)
    monkeypatch.setattr(command.os, "environ", {})
    monkeypatch.setattr(guided, "is_available", lambda: True)
    monkeypatch.setattr(session, "run_targets", run_targets)
    assert command.main(["--inputs", "9", "--seed", "3", "--only", "csv", "--unguided"]) == code
    assert given == [["csv"], 9, 3, False]
    assert f"7 inputs in 1.0 s of processor time: {code} failures." in capsys.readouterr().out
