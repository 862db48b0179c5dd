from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import InputError
from tools.local_airflow.account import SimulatorError
from tools.nights import __main__ as module


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (None, 0, ""),
        (InputError("A run is in progress. Nothing was written."), 2, "Nothing was written"),
        (SimulatorError("The AWS simulator did not answer."), 1, "Failed: The AWS simulator did not answer."),
    ],
)
def test_the_exit_code_says_how_the_command_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Any, code: int, printed: str
) -> None:
    def nights(*_: object) -> None:
        if error:
            raise error

    monkeypatch.setattr(module, "nights", nights)
    assert module.main() == code
    assert printed in capsys.readouterr().err
