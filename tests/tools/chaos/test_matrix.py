"""Every combination of instant and recovery is a case, or has a reason why it is impossible."""

from __future__ import annotations

import itertools

from tools.chaos.matrix import IMPOSSIBLE, matrix
from tools.chaos.scenarios import scenarios

INSTANTS = ("before the call", "response lost", "response not recorded", "waiting", "done, not reported", "two copies")
RECOVERIES = (
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


def test_every_combination_is_a_case_or_is_left_out_by_name() -> None:
    cases = {tuple(case.name.split(" / ")) for case in matrix()}
    covered = {(instant.split(", about")[0].split(", bought")[0], recovery) for instant, recovery in cases}
    left_out = {tuple(name.split(" / ")) for name in IMPOSSIBLE}
    combinations = set(itertools.product(INSTANTS, RECOVERIES))
    assert combinations - covered - left_out == set()
    assert covered & left_out == set()


def test_no_two_cases_share_a_name() -> None:
    names = [case.name for case in (*matrix(), *scenarios())]
    assert len(names) == len(set(names))


def test_every_impossible_combination_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason in IMPOSSIBLE.values())
