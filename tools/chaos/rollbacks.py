"""
Crash rollbacks: two models are promoted, then the first one is put behind the standing endpoint again.

A rollback asks a person. Here, its questions are approved in the same way as in local commands.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from include.distill.evaluation.rollback_form import PREVIOUS, ROLLBACK_DAG_ID
from tools.chaos.matrix import BEFORE, LOST, RECOVERIES, UNREAD, Instant
from tools.chaos.on_demand import KILLS, READY_AT_LAST, STILL_WAITING, Path, crash_at_each
from tools.chaos.promotions import BEFORE_RECORD, CHANGES, RECORDED, SMOKING, UPDATE, promote_model
from tools.chaos.standing import CHAMPION, expect_standing
from tools.chaos.trial import Case, Trial
from tools.local_airflow.airflow_api import AirflowApiError
from tools.local_airflow.questions import AskingStack, Questions

LOOK_SECONDS = 1.0
RESTORE = "restore"
PATHS: dict[str, Path] = {
    LOST.name: (
        BEFORE,
        LOST,
        SMOKING,
        Instant(BEFORE_RECORD.name, BEFORE_RECORD.arrange, BEFORE_RECORD.reach, hits=RESTORE),
    ),
    UNREAD.name: (
        UNREAD,
        STILL_WAITING,
        READY_AT_LAST,
        Instant(RECORDED.name, RECORDED.arrange, RECORDED.reach, hits=RESTORE),
    ),
}


class Rollback(Trial):
    """The part of a case in which `distill_rollback` runs for the case's use case."""

    @property
    def dag_id(self) -> str:
        """The id of the DAG."""
        return ROLLBACK_DAG_ID

    def start_run(self, number: int = 1) -> None:
        """Trigger a rollback to the previous champion."""
        self.remember_faults()
        self.run_id = f"{self.case.key}__rollback-{number}"
        self.stack.operator.start(self.dag_id, self.run_id, {"use_case": self.case.key, "to": PREVIOUS})


@contextmanager
def approved(rollback: Rollback) -> Iterator[None]:
    """Approve the questions of a rollback until the block ends."""
    ended = threading.Event()

    def approve() -> None:
        stack = rollback.stack
        asking = cast(AskingStack, SimpleNamespace(layout=stack.layout, ports=stack.ports, api=stack.operator))
        questions: Questions | None = None
        while not ended.wait(LOOK_SECONDS):
            if not rollback.run_id:
                continue
            questions = questions or Questions(asking, rollback.dag_id, rollback.run_id, asks_person=False)
            with suppress(AirflowApiError):  # the api-server may have been killed
                questions.look(stack.operator.task_instances(rollback.dag_id, rollback.run_id))

    thread = threading.Thread(target=approve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _promote_twice(trial: Trial) -> Rollback:
    for number in (1, 2):
        promote_model(trial, number, number)
    return Rollback(trial.case, trial.stack, trial.shared_fault)


def crash(trial: Trial, *, path: Path, recover: Callable[[Trial, str], None]) -> None:
    """Crash a rollback at each instant of a path, and recover it after each crash."""
    rollback = _promote_twice(trial)
    with approved(rollback):
        crash_at_each(rollback, path, UPDATE, recover)
        _expect_restored(trial, rollback)


def _cleared_after_success(trial: Trial) -> None:
    """Clear a rollback that succeeded. When it runs again, it must not go back to the model that it replaced."""
    rollback = _promote_twice(trial)
    with approved(rollback):
        rollback.start_run()
        rollback.finish()
        rollback.clear_run()
        _expect_restored(trial, rollback)
    # The rule would promote the withdrawn model again. A person has rolled back from it, so nothing is promoted.
    trial.clear("switch", downstream=True)
    expect_standing(trial, jobs=2, champion=1, name=f"{trial.case.name}, promotion cleared")


def _expect_restored(trial: Trial, rollback: Rollback) -> None:
    state = rollback.finish()
    rollback.wait_for_copies()
    trial.ensure(state == "success", f"The rollback should have succeeded, but its state is {state}.")
    expect_standing(trial, jobs=2, champion=1)


def rollbacks() -> list[Case]:
    """Return the cases of rollbacks."""
    recoveries: dict[str, Any] = {"task retry": KILLS["task retry"], "clear run": RECOVERIES["clear run"]}
    cases = []
    for name, path in PATHS.items():
        for recovery, recover in recoveries.items():
            steps = [instant for instant in path if recovery == "clear run" or instant is not STILL_WAITING]
            script = partial(crash, path=steps, recover=recover)
            cases.append(Case(f"rollback, {name} / {recovery}", script, CHANGES, buys=CHAMPION))
    cleared = "rollback, cleared after success: nothing changes"
    return [*cases, Case(cleared, _cleared_after_success, CHANGES, buys=CHAMPION)]
