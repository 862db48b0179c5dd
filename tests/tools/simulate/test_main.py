"""The command writes its result, and fails if anything is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.fuzz import session as fuzzing
from tools.simulate import __main__ as command
from tools.simulate import session

GOOD: dict[str, Any] = {
    "schedules": 7,
    "seconds": 1.0,
    "seed": 1,
    "failures": 0,
    "unreached": [],
    "scoreboard": [{"mechanism": "teardown", "caught_after": 3}],
}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"failures": 1}, 1),
        ({"unreached": ["killed"]}, 1),
        ({"scoreboard": [{"mechanism": "teardown", "caught_after": None}]}, 1),
        ({"fuzz": {"inputs": 20, "seconds": 1.0, "failures": 1}}, 1),
    ],
)
def test_the_exit_code_says_whether_anything_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changes: dict[str, Any], code: int
) -> None:
    fuzz = {"inputs": 20, "seconds": 1.0, "failures": 0}
    result = {**GOOD, "fuzz": fuzz, **changes}
    monkeypatch.setattr(command, "prepare", lambda folder: None)
    monkeypatch.setattr(command, "RESULT", tmp_path / "new" / "simulate.json")
    monkeypatch.setattr(session, "simulate", lambda *_: {key: result[key] for key in result if key != "fuzz"})
    monkeypatch.setattr(fuzzing, "fuzz", lambda *_: result["fuzz"])
    assert command.main(["--quick", "--seed", "1"]) == code
    assert json.loads((tmp_path / "new" / "simulate.json").read_text()) == result


def test_the_summary_names_what_was_missed() -> None:
    text = command.summary(
        {**GOOD, "unreached": ["on_kill"], "scoreboard": [{"mechanism": "teardown", "caught_after": None}]}
    )
    assert "Never reached: on_kill." in text
    assert "'teardown': never noticed" in text
