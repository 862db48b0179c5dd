"""Every step that handles all rows is measured."""

from __future__ import annotations

import pytest

from tools.benchmarks.bench import Bench
from tools.benchmarks.rows_cases import STEPS, measure_steps, step_figures


@pytest.mark.e2e
def test_every_step_that_handles_all_rows_is_measured(bench: Bench) -> None:
    measured = measure_steps(bench, 40)
    figures = [figure for step in STEPS for figure in step_figures(step, 40, measured[step], measured[step])]
    assert [figure.ours for figure in figures[1::2]] == [1.0] * len(STEPS)
    assert all(100 < figure.ours < 1000 for figure in figures[::2])


def test_the_time_of_all_rows_is_compared_with_the_time_of_half_the_rows() -> None:
    half = {"cpu_seconds": 2.0, "peak_mb": 150.0, "airflow_mb": 120.0}
    memory, seconds = step_figures("ingest", 100_000, half, {**half, "cpu_seconds": 4.5, "peak_mb": 290.0})
    assert (memory.ours, memory.ok) == (290.0, True)
    assert (seconds.ours, seconds.ok) == (2.25, False)
