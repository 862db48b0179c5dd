"""
Crash promotions with a standing endpoint: while it is created, replaces its model, or gets its old model back.

The DAG of these cases has no teacher, no judge and no arm endpoint. Its report promotes the arm ``tuned``. The
first run of a case creates the standing endpoint. The second run has other rows, so it trains another model, which
replaces the first one behind the endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

from tools.chaos.fixtures import TRAINING_ROWS, root_of, write_rows
from tools.chaos.matrix import BEFORE, LOST, PHASES, RECOVERIES, UNREAD, WAITING, Instant, Purchase, reach_held
from tools.chaos.on_demand import KILLS, READY_AT_LAST, STILL_WAITING, Path, crash_at_each
from tools.chaos.scenarios import sweep
from tools.chaos.standing import CHAMPION, expect_standing
from tools.chaos.trial import (
    ANSWER,
    ARRANGING_SECONDS,
    DEPLOYMENT,
    GET_DEPLOYMENT,
    UPDATE_DEPLOYMENT,
    Case,
    Trial,
)

SWITCH, SWITCHED, SMOKE, PROMOTE = "switch", "switched", "smoke", "promote"
CREATION = Purchase(DEPLOYMENT, GET_DEPLOYMENT, SWITCH, SWITCHED, "deployment_stalled", 2)
UPDATE = Purchase(UPDATE_DEPLOYMENT, GET_DEPLOYMENT, SWITCH, SWITCHED, "deployment_update_stalled", 1)
NO_WINNER = "no_winner"  # if an object with this name exists, the report promotes no arm
CHANGES: dict[str, Any] = {
    "tags": ["promotion"],
    "serving": {"mode": "on_demand"},
    "promotion": {"serve": "on_demand", "smoke_prompts": 2},
    "arms": [
        {"name": "base", "kind": "base"},
        {"name": "best", "kind": "champion"},
        {"name": "tuned", "originals": "all", "synthetic": 0},
    ],
}


def _hold_smoke(trial: Trial, purchase: Purchase) -> None:
    trial.hold_answer(match=trial.endpoint_arn)


def _smoking(trial: Trial, purchase: Purchase) -> None:
    """Reach the instant at which the endpoint has answered a smoke prompt, but the task has not received the answer."""
    trial.wait_answer_held(match=trial.endpoint_arn)


def _delay_smoke(trial: Trial, purchase: Purchase) -> None:
    """Delay a smoke prompt for some seconds. Meanwhile, the fault in ``promote`` is arranged."""
    trial.hold_answer(ARRANGING_SECONDS, match=trial.endpoint_arn)


def _before_record(trial: Trial, purchase: Purchase) -> None:
    """Reach the first read of ``promote``, which is the first one after the smoke prompts."""
    _smoking(trial, purchase)
    reach_held(trial, purchase.get)


def _recorded(trial: Trial, purchase: Purchase) -> None:
    """Reach the second read of ``promote``. By then, the champion is recorded."""
    _smoking(trial, purchase)
    fired = trial.fired(purchase.get)
    trial.hold(purchase.get, after=1)
    trial.wait_fired(purchase.get, fired + 1)


SMOKING = Instant("in the smoke test", _hold_smoke, _smoking, hits=SMOKE)
BEFORE_RECORD = Instant("before the record", _delay_smoke, _before_record, hits=PROMOTE)
RECORDED = Instant("recorded, not reported", _delay_smoke, _recorded, hits=PROMOTE)
PATHS: dict[str, Path] = {
    LOST.name: (BEFORE, LOST, SMOKING, BEFORE_RECORD),
    UNREAD.name: (UNREAD, STILL_WAITING, READY_AT_LAST, RECORDED),
}
SHORT_PATHS: Sequence[Path] = ((LOST, BEFORE_RECORD), (WAITING, RECORDED))
KEPT = (BEFORE, LOST, WAITING, SMOKING, BEFORE_RECORD)  # instants at which the recorded champion is still the old one


def write_model_rows(trial: Trial, model: int) -> None:
    """Write the training rows of the case's first or second model."""
    path = trial.stack.layout.use_cases / f"{trial.case.key}-train.csv"
    write_rows(path, trial.case.key, model - 1, TRAINING_ROWS)


def promote_model(trial: Trial, number: int, model: int) -> None:
    """Promote a model in a run without faults."""
    write_model_rows(trial, model)
    trial.start_run(number)
    state = trial.finish()
    trial.ensure(state == "success", f"Run {number} should have promoted its model, but its state is {state}.")


def crash(trial: Trial, *, path: Path, recover: Callable[[Trial, str], None]) -> None:
    """Crash two runs at each instant of a path: the run that creates the endpoint, and the run that updates it."""
    for number, purchase in ((1, CREATION), (2, UPDATE)):
        write_model_rows(trial, number)
        crash_at_each(trial, path, purchase, recover, number=number)
        trial.finish()
        trial.wait_for_copies()
    expect_standing(trial, jobs=2, champion=2)


def crash_update(trial: Trial, *, path: Path, recover: Callable[[Trial, str], None]) -> None:
    """Crash only the run that updates the endpoint. The faults of these cases take long, so there are few crashes."""
    promote_model(trial, 1, 1)
    write_model_rows(trial, 2)
    crash_at_each(trial, path, UPDATE, recover, number=2)
    trial.finish()
    trial.wait_for_copies()
    expect_standing(trial, jobs=2, champion=2)


def _give_up(trial: Trial, instant: Instant, purchase: Purchase, number: int) -> None:
    """Mark a run as failed at an instant."""
    instant.arrange(trial, purchase)
    trial.start_run(number)
    instant.reach(trial, purchase)
    trial.mark_run()
    trial.end_stalls()
    state = trial.finish()
    trial.ensure(state == "failed", f"Run {number} was marked failed, but its state is {state}.")


def _creation_given_up(trial: Trial) -> None:
    """Mark runs as failed while they create the endpoint. Each time, the endpoint is deleted."""
    path = (BEFORE, LOST, SMOKING)
    for number, instant in enumerate(path, start=1):
        instant_now = instant if instant is not SMOKING else _SMOKING_NEW
        _give_up(trial, instant_now, CREATION, number)
    expect_standing(trial, jobs=1, champion=None, created=2, state="failed")
    trial.start_run(4)
    expect_standing(trial, jobs=1, champion=4, created=3, name=_next(trial))


def _update_given_up(trial: Trial) -> None:
    """Mark runs as failed while they update the endpoint. Each time, the old model answers again."""
    promote_model(trial, 1, 1)
    write_model_rows(trial, 2)
    for number, instant in enumerate(KEPT, start=2):
        _give_up(trial, instant, UPDATE, number)
    expect_standing(trial, jobs=2, champion=1, state="failed")
    _give_up(trial, RECORDED, UPDATE, 7)
    expect_standing(trial, jobs=2, champion=7, state="failed", name=f"{trial.case.name}, after the record")


def _next(trial: Trial) -> str:
    return trial.case.name.replace("run marked failed", "next run")


def _wait_created(trial: Trial, purchase: Purchase) -> None:
    """Wait until a new endpoint is created, hold its first smoke prompt, and wait for the prompt."""
    WAITING.reach(trial, purchase)
    trial.hold_answer(match=trial.endpoint_arn)
    trial.end_stalls()
    trial.wait_answer_held(match=trial.endpoint_arn)


_SMOKING_NEW = Instant(SMOKING.name, WAITING.arrange, _wait_created, hits=SMOKE)


# Errors


def _update_fails(trial: Trial) -> None:
    promote_model(trial, 1, 1)
    trial.fault(UPDATE_DEPLOYMENT, "deployment_update_failed", times=1)
    write_model_rows(trial, 2)
    trial.start_run(2)
    expect_standing(trial, jobs=2, champion=1, state="failed")
    trial.clear(SWITCH, downstream=True)
    expect_standing(trial, jobs=2, champion=2, name=f"{trial.case.name}, switch cleared")


def _creation_fails(trial: Trial) -> None:
    trial.fault(DEPLOYMENT, "deployment_failed", times=1)
    trial.start_run()
    expect_standing(trial, jobs=1, champion=None, state="failed")
    trial.clear(SWITCH, downstream=True)
    expect_standing(trial, jobs=1, champion=1, created=2, name=f"{trial.case.name}, switch cleared")


def _smoke_fails(trial: Trial) -> None:
    promote_model(trial, 1, 1)
    trial.fault(ANSWER, "truncated_answer", match=trial.endpoint_arn, times=1)
    write_model_rows(trial, 2)
    trial.start_run(2)
    expect_standing(trial, jobs=2, champion=1, state="failed")
    trial.clear(SWITCH, downstream=True)
    expect_standing(trial, jobs=2, champion=2, name=f"{trial.case.name}, switch cleared")


def _next_run_heals(trial: Trial) -> None:
    """Refuse the update by which ``settle`` brings the champion back. The next run has no winner and brings it back."""
    promote_model(trial, 1, 1)
    trial.fault(ANSWER, "truncated_answer", match=trial.endpoint_arn, times=1)
    trial.fault(UPDATE_DEPLOYMENT, "access_denied", after=1, times=1)
    write_model_rows(trial, 2)
    trial.start_run(2)
    state = trial.finish()
    serving = trial.stack.account.deployment(trial.endpoint_arn)["modelArn"]
    trial.ensure(state == "failed", f"The task `settle` was refused, but the run's state is {state}.")
    models = trial.stack.account.ledger()["custom_models"]
    of_case = [model["arn"] for model in models if f"-{trial.case.key}-tuned-" in f"-{model['name']}"]
    trial.ensure(
        serving == of_case[-1], f"Before it is settled, the endpoint must serve the new model, but it serves {serving}."
    )
    trial.stack.account.write_object(f"{root_of(trial.case.key)}/{NO_WINNER}", b"")
    trial.start_run(3)
    expect_standing(trial, jobs=2, champion=1)


def _left_by_the_sweeper(trial: Trial) -> None:
    promote_model(trial, 1, 1)
    sweep(trial, "after-the-promotion")
    expect_standing(trial, jobs=1, champion=1)


def _case(name: str, script: Callable[[Trial], None], phase: str = "together") -> Case:
    return Case(f"promotion, {name}", script, CHANGES, phase, buys=CHAMPION)


def promotions() -> list[Case]:
    """Return the cases of promotions with a standing endpoint."""
    clears = ("clear task and downstream", "clear run")
    recoveries = {
        "task retry": KILLS["task retry"],
        "worker SIGKILL, two copies": KILLS["worker SIGKILL, two copies"],
        **{recovery: RECOVERIES[recovery] for recovery in clears},
    }
    cases = []
    for (name, path), (recovery, recover) in product(PATHS.items(), recoveries.items()):
        # A deferred task has no process that could be killed.
        steps = [instant for instant in path if recovery in clears or instant is not STILL_WAITING]
        # An old copy of `switch` also reads the endpoint, so the next read is not certain to be that of `promote`.
        if "two copies" in recovery:
            steps = [instant for instant in steps if instant is not BEFORE_RECORD]
        cases.append(_case(f"{name} / {recovery}", partial(crash, path=steps, recover=recover)))
    for recovery, path in product(("scheduler SIGKILL", "database lost, same run id"), SHORT_PATHS):
        names = " and ".join(instant.name for instant in path)
        script = partial(crash_update, path=path, recover=RECOVERIES[recovery])
        cases.append(_case(f"{names} / {recovery}", script, PHASES[recovery]))
    waiting = partial(crash_update, path=(WAITING,), recover=RECOVERIES["triggerer SIGKILL"])
    return [
        *cases,
        _case("waiting / triggerer SIGKILL", waiting, "triggerer"),
        _case("creation / run marked failed", _creation_given_up),
        _case("update / run marked failed", _update_given_up),
        _case("update fails: the old model stays", _update_fails),
        _case("creation fails: no endpoint stays", _creation_fails),
        _case("smoke test fails: the old model answers again", _smoke_fails),
        _case("settle fails: the next run without a winner brings the champion back", _next_run_heals),
        _case("release_leftovers keeps the standing endpoint", _left_by_the_sweeper, "alone"),
    ]
