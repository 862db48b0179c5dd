from __future__ import annotations

import itertools

from tools.chaos.matrix import IMPOSSIBLE, matrix
from tools.chaos.scenarios import scenarios

INSTANTS = ("before the call", "answer lost", "answered, not recorded", "waiting", "done, not reported", "two copies")
WAYS = (
    "task retry",
    "clear task",
    "clear task and downstream",
    "clear run",
    "worker SIGKILL",
    "triggerer SIGKILL",
    "scheduler SIGKILL",
    "database lost, same run id",
    "run marked failed",
)


def test_every_cell_is_a_case_or_is_left_out_by_name() -> None:
    run = {tuple(case.name.split(" / ")) for case in matrix()}
    covered = {(instant.split(", about")[0].split(", bought")[0], way) for instant, way in run}
    left_out = {tuple(name.split(" / ")) for name in IMPOSSIBLE}
    cells = set(itertools.product(INSTANTS, WAYS))
    assert cells - covered - left_out == set()
    assert covered & left_out == set()


def test_no_two_cases_share_a_name() -> None:
    names = [case.name for case in (*matrix(), *scenarios())]
    assert len(names) == len(set(names))


def test_every_left_out_cell_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason in IMPOSSIBLE.values())
