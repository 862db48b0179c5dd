"""The growth of the time is measured for every reader, and the shape that grows most decides."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tools.benchmarks import doubling_cases
from tools.benchmarks.__main__ import SMALL
from tools.benchmarks.bench import Bench
from tools.benchmarks.doubling_cases import OUTPUTS, QUESTIONS, VERDICTS, YAMLS, doubling, slowest_growth
from tools.benchmarks.processes import Server


def test_every_reader_is_measured_with_every_shape(tmp_path: Path) -> None:
    figures = doubling(Bench(Server("http://127.0.0.1:9"), tmp_path, dataclasses.replace(SMALL, characters=800)))
    assert len(figures) == 5
    for figure, shapes in zip(figures, (OUTPUTS, VERDICTS, QUESTIONS, YAMLS), strict=False):
        assert f"{len(shapes)} shapes" in figure.note
    assert 0 < figures[-1].ours < doubling_cases.MAX_QUESTION_MB


@pytest.mark.parametrize("shapes", [OUTPUTS, VERDICTS, QUESTIONS, YAMLS])
def test_a_shape_makes_a_text_of_about_the_given_length(shapes: dict[str, doubling_cases.Shape]) -> None:
    for shape in shapes.values():
        short, long = len(shape(20_000)), len(shape(40_000))
        assert 15_000 < long - short < 25_000


def test_the_shape_with_the_slowest_growth_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"a" * 5: 1.0, "a" * 10: 2.0, "b" * 5: 1.0, "b" * 10: 4.0, "c" * 5: 1e-6, "c" * 10: 1e-3}
    monkeypatch.setattr(doubling_cases, "_seconds", lambda _, text: seconds[text])
    shapes = {letter: (lambda n, letter=letter: letter * n) for letter in "abc"}
    figure = slowest_growth("letters", len, shapes, 10)
    assert (figure.ours, figure.ok) == (4.0, False)
    assert "b; 3 shapes" in figure.note
