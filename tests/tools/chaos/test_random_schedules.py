"""Check that schedules depend only on their seed, and that a disturbed run is compared with an undisturbed run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.distill.config.loader import load_use_cases
from include.distill.cost.arm_serving import serving_choices
from include.distill.cost.estimate import TokenRate
from include.distill.cost.prices import load_prices
from tools.chaos.control import TaskState
from tools.chaos.random_schedules import (
    COUNTS,
    EVALUATION_ROWS,
    DisturbedRun,
    comparable,
    describe_difference,
    draw_schedules,
    lost_answers,
    write_use_cases,
)
from tools.chaos.stack import SERVICES

REPORT: dict[str, Any] = {
    "run_key": "walk-1",
    "verdict": "better",
    "source": {"rows": 6},
    "synthesis": {**dict.fromkeys(COUNTS, 1), "calls": 4, "cache_hits": 0},
    "arms": [{"name": "base", "kind": "base", "records": None, "job_arn": "arn:1", "released": True}],
    "comparisons": [{"n": 2, "wins": 1}],
    "cost": {"actual_usd": 1.0},
}


def test_a_seed_always_gives_the_same_schedules_and_another_seed_gives_others() -> None:
    assert draw_schedules(30, 1) == draw_schedules(30, 1)
    assert draw_schedules(30, 1) != draw_schedules(30, 2)
    assert draw_schedules(31, 1)[:30] == draw_schedules(30, 1), "a higher count does not change the first schedules"


def test_the_schedules_of_the_documented_seed_stay_the_same() -> None:
    kills = [(kill.victim, kill.after_tasks, round(kill.delay, 3)) for kill in draw_schedules(1, 20_251_122)[0].kills]
    assert kills == [("dag-processor", 3, 2.393), ("task", 4, 2.949)]


def test_thirty_schedules_hit_every_process() -> None:
    victims = {kill.victim for run in draw_schedules(30, 20_251_122) for kill in run.kills}
    assert victims == {*SERVICES, "task"}


def test_use_cases_are_written_into_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    runs = [DisturbedRun("w00", []), *draw_schedules(4, 1)]
    write_use_cases(tmp_path / "use_cases", runs, 2)
    loaded = load_use_cases(tmp_path / "use_cases")
    assert loaded.problems == ()
    assert [use_case.name for use_case in loaded.valid] == ["w00", "w01", "w02", "w03", "w04"]
    assert [use_case.aws.conn_id for use_case in loaded.valid] == [f"aws_lane{n % 2}" for n in range(5)]
    assert [run.lane for run in runs] == [0, 1, 0, 1, 0]


def test_the_runs_serve_in_all_ways_in_turn(tmp_path: Path) -> None:
    runs = [DisturbedRun("w00", []), *draw_schedules(5, 1)]
    write_use_cases(tmp_path, runs, 2)
    loaded = load_use_cases(tmp_path).valid
    assert [use_case.serving.mode for use_case in loaded] == 2 * ["provisioned", "on_demand", "auto"]
    assert [run.on_demand for run in runs] == 2 * [False, True, False]
    rows: Any = [{"row_id": "r", "document": "d", "question": "q", "answer": "a"}] * EVALUATION_ROWS
    chosen = [
        serving_choices(use_case, rows, load_prices(), champion=None, rate=TokenRate())["tuned"]["mode"]
        for use_case in loaded
    ]
    assert chosen == 2 * ["provisioned", "on_demand", "provisioned"]


def test_values_that_a_disturbance_may_change_are_not_compared() -> None:
    other = {**REPORT, "run_key": "walk-2", "cost": {"actual_usd": 0.0}}
    other["synthesis"] = {**REPORT["synthesis"], "calls": 0, "cache_hits": 4}
    assert comparable(other) == comparable(REPORT)
    assert describe_difference(other, REPORT) == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"verdict": "worse"}, "verdict: worse instead of better", id="verdict"),
        pytest.param({"source": {"rows": 5}}, "source: {'rows': 5} instead of {'rows': 6}", id="rows"),
        pytest.param({"comparisons": [{"n": 2, "wins": 2}]}, "comparisons", id="wins"),
        pytest.param({"synthesis": {**REPORT["synthesis"], "accepted": 0}}, "synthesis", id="pairs"),
    ],
)
def test_values_that_must_be_equal_are_compared_and_named(change: dict[str, Any], named: str) -> None:
    assert named in describe_difference({**REPORT, **change}, REPORT)


@pytest.mark.parametrize(
    ("task_id", "answers"),
    [
        pytest.param("synthesize", 4, id="two rows in each mapped task"),
        pytest.param("judge.claude-haiku-4-5", 4, id="two concurrent calls"),
        pytest.param("tuned.submit", 0, id="a task that calls no model"),
    ],
)
def test_a_killed_attempt_loses_no_more_answers_than_were_in_flight(task_id: str, answers: int) -> None:
    assert lost_answers([TaskState(task_id, 0, "success", 1, try_number=3)]) == answers
    assert lost_answers([TaskState(task_id, 0, "success", 1, try_number=1)]) == 0
