"""A figure is compared with its target, and printed next to the ideal and to the figures of other tools."""

from __future__ import annotations

import pytest

from tools.benchmarks.figures import Figure, line, markdown, verdict

REACHED = Figure("span", 1.04, 1.0, "× ideal", 1.05, other=1.03, note="10.4 s")
MISSED = Figure("times faster", 9.5, None, "×", 12, at_least=True)


@pytest.mark.parametrize(
    ("ours", "at_least", "ok"),
    [(1.0, False, True), (1.1, False, False), (1.0, True, True), (0.9, True, False)],
)
def test_a_target_is_an_upper_or_a_lower_limit(ours: float, at_least: bool, ok: bool) -> None:
    assert Figure("n", ours, None, "s", 1.0, at_least=at_least).ok is ok


def test_a_row_shows_our_figure_the_ideal_and_the_figures_of_others() -> None:
    assert line(REACHED).split() == ["ok", "span", "1.04", "1", "1.03", "≤", "1.05", "×", "ideal", "10.4", "s"]
    assert line(MISSED).split() == ["MISSED", "times", "faster", "9.5", "-", "-", "≥", "12", "×"]
    assert "| times faster | 9.5 | - | - | ≥ 12 × | **no** |  |" in markdown([REACHED, MISSED])
    assert verdict([REACHED, MISSED], 2.0) == "1 of 2 targets reached in 2.0 minutes; missed: times faster."
    assert verdict([REACHED], 2.0) == "1 of 1 targets reached in 2.0 minutes."
