from __future__ import annotations

from typing import Any

import pytest

from tools.chaos.control import TaskState
from tools.chaos.walks import COUNTS, comparable, lost_tries, plan
from tools.chaos.world import SERVICES

REPORT: dict[str, Any] = {
    "run_key": "walk-1",
    "verdict": "better",
    "source": {"rows": 6},
    "synthesis": {**dict.fromkeys(COUNTS, 1), "calls": 4, "cache_hits": 0},
    "arms": [{"name": "base", "kind": "base", "records": None, "job_arn": "arn:1", "released": True}],
    "comparisons": [{"n": 2, "wins": 1}],
    "cost": {"actual_usd": 1.0},
}


def test_a_seed_always_gives_the_same_walks_and_another_seed_others() -> None:
    assert plan(30, 1) == plan(30, 1)
    assert plan(30, 1) != plan(30, 2)
    assert plan(31, 1)[:30] == plan(30, 1), "more walks leave the first ones as they were"


def test_thirty_walks_hit_every_process() -> None:
    victims = {blow.victim for walk in plan(30, 20_251_122) for blow in walk.blows}
    assert victims == {*SERVICES, "task"}


def test_what_a_disturbance_may_change_is_not_compared() -> None:
    other = {**REPORT, "run_key": "walk-2", "cost": {"actual_usd": 0.0}}
    other["synthesis"] = {**REPORT["synthesis"], "calls": 0, "cache_hits": 4}
    assert comparable(other) == comparable(REPORT)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"verdict": "worse"}, id="verdict"),
        pytest.param({"source": {"rows": 5}}, id="rows"),
        pytest.param({"comparisons": [{"n": 2, "wins": 2}]}, id="wins"),
        pytest.param({"synthesis": {**REPORT["synthesis"], "accepted": 0}}, id="pairs"),
    ],
)
def test_what_must_be_equal_is_compared(change: dict[str, Any]) -> None:
    assert comparable({**REPORT, **change}) != comparable(REPORT)


def test_only_tries_of_asking_tasks_lose_calls_in_flight() -> None:
    tasks = [TaskState("synthesize", 0, "success", 1, 3), TaskState("tuned.submit", -1, "success", 1, 2)]
    assert lost_tries(tasks) == 2
