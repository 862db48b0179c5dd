"""What people do between two tasks happens once in a schedule, before the second task starts for the first time."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from tools.simulate import meanwhile
from tools.simulate.meanwhile import act_meanwhile


@pytest.mark.parametrize(
    ("earlier", "task", "attempts", "acts"),
    [
        ("leave_a_run", "second", {("run", "second"): 1}, True),
        ("leave_a_run", "second", {("run", "first"): 2, ("run", "second"): 1}, True),
        ("leave_a_run", "second", {("run", "second"): 2}, False),
        ("leave_a_run", "second", {("run", "second"): 1, ("next", "second"): 1}, False),
        ("leave_a_run", "first", {("run", "first"): 1}, False),
        ("other", "second", {("run", "second"): 1}, False),
        (None, "second", {("run", "second"): 1}, False),
    ],
)
def test_it_happens_before_the_first_attempt_only(
    earlier: str | None, task: str, attempts: dict[tuple[str, str], int], *, acts: bool
) -> None:
    acted: list[tuple[Any, ...]] = []
    world: Any = SimpleNamespace(
        part=SimpleNamespace(earlier=earlier),
        first=SimpleNamespace(expected="expected"),
        clock="clock",
        wire=SimpleNamespace(unseen=nullcontext),
        worker=SimpleNamespace(repeatable=SimpleNamespace(begin=lambda _: None)),
    )
    with patch.object(meanwhile, "MEANWHILE", {"leave_a_run": ("second", lambda *given: acted.append(given))}):
        act_meanwhile(world, task, attempts)
    assert acted == ([("expected", "clock")] if acts else [])
