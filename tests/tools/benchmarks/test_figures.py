from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.benchmarks.__main__ import write_result
from tools.benchmarks.cases import CASES
from tools.benchmarks.figures import Figure, line, markdown, verdict
from tools.benchmarks.scheduler_case import step_seconds

REACHED = Figure("span", 1.04, 1.0, "× ideal", 1.05, other=1.03, note="10.4 s")
MISSED = Figure("times faster", 9.5, None, "×", 12, at_least=True)


@pytest.mark.parametrize(
    ("ours", "at_least", "ok"),
    [(1.0, False, True), (1.1, False, False), (1.0, True, True), (0.9, True, False)],
)
def test_a_target_is_reached_from_its_own_side(ours: float, at_least: bool, ok: bool) -> None:
    assert Figure("n", ours, None, "s", 1.0, at_least=at_least).ok is ok


def test_a_row_names_what_was_reached_beside_what_is_possible_and_what_others_reach() -> None:
    assert line(REACHED).split() == ["ok", "span", "1.04", "1", "1.03", "≤", "1.05", "×", "ideal", "10.4", "s"]
    assert line(MISSED).split() == ["MISSED", "times", "faster", "9.5", "-", "-", "≥", "12", "×"]
    assert "| times faster | 9.5 | - | - | ≥ 12 × | **no** |  |" in markdown([REACHED, MISSED])
    assert verdict([REACHED, MISSED], 2.0) == "1 of 2 targets in 2.0 minutes, missed: times faster."


def test_the_written_table_has_what_checks_outside_read(tmp_path: Path) -> None:
    write_result(tmp_path / "deep" / "bench.json", [REACHED], load="2.0")
    (case,) = json.loads((tmp_path / "deep" / "bench.json").read_text())["cases"]
    assert {"name", "ours", "ideal", "other", "unit", "target", "ok"} <= case.keys()
    assert (case["name"], case["ok"]) == ("span", True)


def test_a_step_lasts_from_the_task_before_it_to_its_last_task() -> None:
    ends = [("before", "10"), ("synthesize", "15"), ("synthesize", "27")]
    instances = [{"task_id": task, "end_date": f"2026-11-22T10:00:{second}.5Z"} for task, second in ends]
    assert step_seconds(instances) == 17.0


def test_no_two_cases_share_a_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
