"""Test the command that prints the rates of the drift detection."""

from __future__ import annotations

import sys

import pytest

from tools.drift_rates import __main__ as command
from tools.drift_rates.scenarios import CONTAMINATED, SCENARIOS, USUAL


def test_the_command_prints_every_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["drift_rates", "--histories", "1", "--seed", "4"])
    monkeypatch.setattr(command, "NIGHTS", 9)
    monkeypatch.setattr(command, "SCENARIOS", (USUAL,) * 9)
    monkeypatch.setattr(command, "SIZES", SCENARIOS[1:2])
    monkeypatch.setattr(command, "LASTING", 2)
    command.main()
    printed = capsys.readouterr().out
    assert printed.count("|---|") == 6
    assert printed.startswith("\nFalse alarms in quiet nights\n")
    assert all(f"| {name} | 2 | **0.00 %**" in printed for name in (USUAL.name, *CONTAMINATED))
    assert "| change | night 1 | night 2 |\n" in printed
    assert "| half_win_rate | " in printed


def test_percentages_have_the_given_number_of_decimals() -> None:
    assert command.percent(0.12345) == "12 %"
    assert command.percent(0.12345, 2) == "12.35 %"
