from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import InputError
from tools.local_airflow.interruption import Interrupted
from tools.promote_demo import __main__ as module
from tools.promote_demo.demo import DemoError


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (None, 0, ""),
        (InputError("DISTILL_TIMEOUT_SECONDS must be a number."), 2, "must be a number"),
        (DemoError("The run failed: smoke"), 1, "Failed: The run failed: smoke\nEverything that was started has been"),
        (Interrupted(), 130, "Interrupted. Everything that was started has been stopped."),
    ],
)
def test_the_exit_code_says_how_the_demonstration_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Any, code: int, printed: str
) -> None:
    def show(*_: object) -> None:
        if error:
            raise error

    monkeypatch.setattr(module, "show", show)
    assert module.main() == code
    assert printed in capsys.readouterr().err
