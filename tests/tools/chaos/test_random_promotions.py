"""Random schedules of promotions depend only on their seed, kill one process per run, and recover by the runbook."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tools.chaos import random_promotions
from tools.chaos.promotions import CHANGES
from tools.chaos.random_promotions import draw_kills
from tools.chaos.random_promotions import random_promotions as schedules
from tools.chaos.stack import SERVICES
from tools.chaos.trial import BreachError, Case, Trial

SEED = 20_251_122


def test_every_five_walks_have_one_schedule_of_promotions() -> None:
    assert [len(schedules(walks, SEED)) for walks in (0, 4, 5, 30)] == [0, 0, 1, 6]
    assert all(case.changes is CHANGES and case.phase == "walks" for case in schedules(30, SEED))


def test_a_seed_always_gives_the_same_kills_one_in_each_of_the_three_runs() -> None:
    drawn = [draw_kills(f"{SEED}/promotion/{number}") for number in range(1, 31)]
    assert drawn == [draw_kills(f"{SEED}/promotion/{number}") for number in range(1, 31)]
    assert drawn != [draw_kills(f"1/promotion/{number}") for number in range(1, 31)]
    assert {len(kills) for kills in drawn} == {3}
    assert {kill.victim for kills in drawn for kill in kills} == {*SERVICES, "task"}
    assert all(kill.after_tasks >= 6 for kills in drawn for kill in kills[:2])


class FakeStack:
    """An Airflow whose run ends in the given states, one after another."""

    def __init__(self, failed: list[str], states: list[str]) -> None:
        self.metadata = self.operator = self.account = self
        self.failed, self.states = failed, states
        self.cleared: list[tuple[list[str], bool]] = []

    def tasks(self, dag_id: str, run_id: str) -> list[Any]:
        return [SimpleNamespace(task_id=task, state="failed") for task in self.failed]

    def clear(self, dag_id: str, run_id: str, tasks: list[str], *, downstream: bool) -> None:
        self.cleared.append((tasks, downstream))

    def wait_for_end(self, *_: Any, **__: Any) -> str:
        return self.states.pop(0)


@pytest.mark.parametrize(
    ("failed", "cleared"),
    [
        (["smoke", "outcome"], ["switch"]),
        (["restore", "outcome"], ["switch"]),
        (["settle", "outcome"], ["settle"]),
        (["tuned.submit", "outcome"], ["tuned.submit"]),
        (["outcome"], ["outcome"]),
    ],
)
def test_a_failed_run_is_recovered_as_the_runbook_says(
    monkeypatch: pytest.MonkeyPatch, failed: list[str], cleared: list[str]
) -> None:
    monkeypatch.setattr(random_promotions, "carry_out", lambda stack, dag_id, run_id, due: due.victim)
    stack: Any = FakeStack(failed, ["failed", "success"])
    killed: list[str] = []
    due = draw_kills("1")[0]
    assert random_promotions._kill_and_recover(Trial(Case("a case", lambda _: None), stack, None), due, killed) == 1
    assert stack.cleared == [(cleared, True)]
    assert killed == [due.victim]


def test_a_run_that_never_succeeds_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_promotions, "carry_out", lambda *_: "scheduler")
    stack: Any = FakeStack(["smoke"], ["failed"] * 9)
    with pytest.raises(BreachError, match="did not succeed after 5 recoveries"):
        random_promotions._kill_and_recover(Trial(Case("a case", lambda _: None), stack, None), draw_kills("1")[0], [])
