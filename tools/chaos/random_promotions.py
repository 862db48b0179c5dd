"""
Disturb promotions and rollbacks with random kills, recover them as the runbook says, and check the standing endpoint.

A schedule has three runs. The first one promotes a model and creates the standing endpoint, the second one promotes
another model, and the third one rolls back to the first model. One process is killed in each run. In the first two
runs, this happens only after the training, because the other random schedules disturb the earlier tasks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial

from tools.chaos.promotions import CHANGES, PROMOTE, SMOKE, SWITCH, SWITCHED, write_model_rows
from tools.chaos.random_schedules import MAX_RECOVERIES, Kill, carry_out
from tools.chaos.rollbacks import RESTORE, Rollback, approved
from tools.chaos.stack import SERVICES
from tools.chaos.standing import CHAMPION, expect_standing
from tools.chaos.trial import BreachError, Case, Trial

WALKS_PER_PROMOTION = 5  # one schedule of promotions for this many other random schedules
# How many tasks of a run may have ended before the kill. The training of a promotion is over after six tasks.
ENDED_TASKS = (range(6, 12), range(6, 12), range(6))
OUTCOME = "outcome"


def random_promotions(walks: int, seed: int) -> list[Case]:
    """
    Generate the schedules from a seed.

    :param walks: the number of the other random schedules.
    """
    return [
        Case(
            f"walk p{number:02}",
            partial(disturb, kills=draw_kills(f"{seed}/promotion/{number}")),
            CHANGES,
            "walks",
            buys=CHAMPION,
        )
        for number in range(1, walks // WALKS_PER_PROMOTION + 1)
    ]


def draw_kills(seed: str) -> list[Kill]:
    """Draw one kill for each of the three runs."""
    rng = random.Random(seed)
    # A running task is killed in half of the runs. Few tasks run at the moments of interest, but all services do.
    victims = (*SERVICES, *["task"] * len(SERVICES))
    return [Kill(rng.choice(victims), rng.choice(ended), rng.uniform(0, 3)) for ended in ENDED_TASKS]


def disturb(trial: Trial, *, kills: Sequence[Kill]) -> None:
    """Promote two models and roll back to the first one, with a kill in each run, and write the row."""
    *in_promotions, in_rollback = kills
    killed: list[str] = []
    created = 0
    for number, due in enumerate(in_promotions, start=1):
        write_model_rows(trial, number)
        trial.start_run(number)
        recoveries = _kill_and_recover(trial, due, killed)
        if number == 1:
            created = len(trial.bought()["deployments"])
            # A first promotion that fails deletes its endpoint, so each recovery may create another one.
            trial.ensure(1 <= created <= 1 + recoveries, f"{created} endpoints, but only {recoveries} recoveries.")
    rollback = Rollback(trial.case, trial.stack, trial.shared_fault)
    with approved(rollback):
        rollback.start_run()
        _kill_and_recover(rollback, in_rollback, killed)
    name = f"{trial.case.name}: {', '.join(killed)}"
    expect_standing(trial, jobs=2, champion=1, created=created, name=name)


def _kill_and_recover(trial: Trial, due: Kill, killed: list[str]) -> int:
    """Carry out a kill, and recover the run until it succeeds. Return the number of recoveries."""
    killed.append(carry_out(trial.stack, trial.dag_id, trial.run_id, due))
    for recoveries in range(MAX_RECOVERIES + 1):
        if trial.finish() == "success":
            return recoveries
        _recover(trial)
    raise BreachError(f"{trial.dag_id} {trial.run_id} did not succeed after {MAX_RECOVERIES} recoveries.")


def _recover(trial: Trial) -> None:
    """
    Follow the runbook: clear tasks and everything downstream of them.

    If a task that changes the endpoint failed, clear `switch`. Otherwise, clear the failed tasks.
    """
    tasks = trial.stack.metadata.tasks(trial.dag_id, trial.run_id)
    failed = {task.task_id for task in tasks if task.state == "failed"}
    to_clear = {SWITCH} if failed & {SWITCH, SWITCHED, SMOKE, PROMOTE, RESTORE} else failed - {OUTCOME}
    trial.stack.operator.clear(trial.dag_id, trial.run_id, sorted(to_clear or {OUTCOME}), downstream=True)
