"""Every instant of a deployment is crashed with every way to recover, in one case or another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.chaos.batches import batches
from tools.chaos.matrix import CLEARS, LOST, RECOVERIES, Instant, matrix
from tools.chaos.on_demand import (
    ANSWERING,
    KILLS,
    PURCHASE,
    READY_AT_LAST,
    REMOVAL_LOST,
    crash,
    give_up,
    on_demand,
)
from tools.chaos.promotions import promotions
from tools.chaos.rollbacks import rollbacks
from tools.chaos.scenarios import scenarios

INSTANTS = {
    "before the call",
    "response lost",
    "response not recorded",
    "waiting",
    "done, not reported",
    "answering",
    "before the removal",
    "removal lost",
    "removal in progress",
}


def crashed() -> Iterator[tuple[str, str]]:
    """Yield each combination of instant and recovery that a case covers."""
    for case in on_demand():
        path = getattr(case.script, "keywords", {}).get("path", ())
        for instant in path:
            yield instant.name, case.name.partition(" / ")[2]


def test_every_instant_meets_every_clear_and_every_kill_of_its_process() -> None:
    covered = set(crashed())
    assert {(instant, recovery) for instant in INSTANTS for recovery in CLEARS} <= covered
    assert {(instant, recovery) for instant in INSTANTS - {"waiting"} for recovery in KILLS} <= covered
    assert {instant for instant, _ in covered} == INSTANTS


def test_every_other_way_to_recover_is_tried_at_several_instants() -> None:
    for recovery in ("scheduler SIGKILL", "database lost, same run id", "run marked failed"):
        assert len({instant for instant, other in crashed() if other == recovery}) >= 6, recovery
    assert ("waiting", "triggerer SIGKILL") in set(crashed())
    assert {other for _, other in crashed()} >= RECOVERIES.keys() - {"task SIGKILL"}


def test_no_two_cases_share_a_name() -> None:
    names = [case.name for case in (*matrix(), *scenarios(), *batches(), *on_demand(), *promotions(), *rollbacks())]
    assert len(names) == len(set(names))


class Recorder:
    """A trial that records what a script does with it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.in_flight = 0
        self.case = type("Case", (), {"name": "a path / run marked failed"})

    def __getattr__(self, name: str) -> Any:
        def record(*arguments: Any, **keywords: Any) -> Any:
            self.done.append(" ".join([name, *map(str, arguments), *map(str, keywords.values())]))
            return {"finish": "failed", "bought": {"alive": 0}, "fired": 0}.get(name)

        return record


def test_the_next_crash_is_arranged_before_the_recovery_from_the_last_one() -> None:
    trial = Recorder()
    crash(trial, path=(LOST, ANSWERING, REMOVAL_LOST), recover=lambda trial, task: trial.recover(task))  # type: ignore[arg-type]
    assert trial.done == [
        f"fault {PURCHASE.create} drop_after 1",
        f"hold {PURCHASE.create}",
        "start_run 1",
        f"wait_fired {PURCHASE.create}",
        "hold_answer",
        "recover tuned.deploy",
        "end_stalls",
        "wait_answer_held",
        "hold DeleteCustomModelDeployment",
        "recover tuned.answer",
        "end_stalls",
        "wait_fired DeleteCustomModelDeployment",
        "recover tuned.undeploy",
        "end_stalls",
        "finish",
        "wait_for_copies",
        "expect 0 1",
    ]
    assert trial.in_flight == 2


def test_a_stall_lasts_until_the_instant_that_ends_it() -> None:
    trial = Recorder()
    stalled = Instant("stalled", lambda *_: None, lambda *_: None)
    crash(trial, path=(stalled, READY_AT_LAST), recover=lambda trial, task: trial.recover(task))  # type: ignore[arg-type]
    recovered = trial.done.index("recover tuned.deploy")
    assert trial.done[recovered + 1] == "wait_watched tuned.active"


def test_each_run_that_is_given_up_is_another_run_and_the_last_one_succeeds() -> None:
    trial = Recorder()
    give_up(trial, path=(LOST, ANSWERING), deployments=2)  # type: ignore[arg-type]
    assert [done for done in trial.done if done.startswith(("start_run", "mark_run", "expect"))] == [
        "start_run 1",
        "mark_run",
        "start_run 2",
        "mark_run",
        "expect 0 2 failed",
        "start_run 3",
        "expect 0 2 a path / next run",
    ]
