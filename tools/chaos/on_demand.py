"""
Crash runs that serve their model on demand: at each instant of a deployment, with each way to recover.

The cases of :mod:`tools.chaos.matrix` serve by provisioned throughput. Each case of this module crashes its run at
several instants, one after another. This sequence of instants is called a path. A run requests
only one deployment, so the response is either lost, or it arrives and is not recorded. There is one full path for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product, zip_longest
from typing import Any

from tools.chaos.matrix import (
    BEFORE,
    CLEARS,
    LOST,
    LOST_FOR_GOOD,
    PHASES,
    RECOVERIES,
    SLOW_POLLS,
    UNNOTICED,
    UNREAD,
    UNRECORDED,
    UNREPORTED,
    WAITING,
    Instant,
    Purchase,
    reach_held,
)
from tools.chaos.scenarios import BARE, EXPIRED, POLLING_FAULTS, start_to_answer, sweep
from tools.chaos.trial import ARRANGING_SECONDS, DELETE_DEPLOYMENT, DEPLOYMENT, GET_DEPLOYMENT, Case, Trial

DEPLOY, ACTIVE, ANSWER, UNDEPLOY = "tuned.deploy", "tuned.active", "tuned.answer", "tuned.undeploy"
# The task `deploy` looks for an endpoint of each kind, and then once more for a deployment.
PURCHASE = Purchase(DEPLOYMENT, GET_DEPLOYMENT, DEPLOY, ACTIVE, "deployment_stalled", 2)
OPEN_CALLS = 2  # each task has at most two calls in flight


def _nothing(trial: Trial, purchase: Purchase) -> None:
    """Arrange nothing, because what was arranged for the previous instant is still in effect."""


def _hold_answer(trial: Trial, purchase: Purchase) -> None:
    trial.hold_answer()


def _answering(trial: Trial, purchase: Purchase) -> None:
    """Reach the instant at which a question is answered and billed, but the task has not received the answer."""
    trial.wait_answer_held()
    trial.in_flight += OPEN_CALLS


def _delay_answer(trial: Trial, purchase: Purchase) -> None:
    """Delay an answer for some seconds. Meanwhile, the faults of the removal are arranged."""
    trial.hold_answer(ARRANGING_SECONDS)


def _before_removal(trial: Trial, purchase: Purchase) -> None:
    """Reach the instant at which ``undeploy`` looks up the deployment: the first read after the last answer."""
    trial.wait_answer_held()
    reach_held(trial, purchase.get)


def _lose_removal(trial: Trial, purchase: Purchase) -> None:
    trial.hold(DELETE_DEPLOYMENT)


def _stall_removal(trial: Trial, purchase: Purchase) -> None:
    trial.fault(DELETE_DEPLOYMENT, "deployment_deletion_stalled", times=1)


def _removal_requested(trial: Trial, purchase: Purchase) -> None:
    trial.wait_fired(DELETE_DEPLOYMENT)


def _removal_lost(trial: Trial, purchase: Purchase) -> None:
    trial.wait_answer_held()
    reach_held(trial, DELETE_DEPLOYMENT)


STILL_WAITING = Instant(WAITING.name, _nothing, WAITING.reach, waits=True)
READY_AT_LAST = Instant(UNREPORTED.name, _nothing, UNREPORTED.reach, waits=True)
READY_UNNOTICED = Instant(UNNOTICED.name, _nothing, UNNOTICED.reach, waits=True)
ANSWERING = Instant("answering", _hold_answer, _answering, hits=ANSWER)
BEFORE_REMOVAL = Instant("before the removal", _delay_answer, _before_removal, hits=UNDEPLOY)
REMOVAL_LOST = Instant("removal lost", _lose_removal, _removal_requested, hits=UNDEPLOY)
REMOVAL_LOST_AFTER_ANSWER = Instant("removal lost", _delay_answer, _removal_lost, hits=UNDEPLOY)
REMOVING = Instant("removal in progress", _stall_removal, _removal_requested, hits=UNDEPLOY)

Path = Sequence[Instant]
PATHS: Mapping[str, Path] = {
    LOST.name: (BEFORE, LOST, ANSWERING, REMOVING),
    UNREAD.name: (UNREAD, STILL_WAITING, READY_AT_LAST, ANSWERING, BEFORE_REMOVAL, REMOVAL_LOST),
}
# A fault that hits all of Airflow takes long. So each of these paths has only two crashes, like a case of the matrix.
SHORT_PATHS: Sequence[Path] = ((LOST, ANSWERING), (UNRECORDED, BEFORE_REMOVAL), (WAITING, REMOVAL_LOST))
GIVEN_UP: Mapping[str, tuple[Path, int]] = {
    LOST.name: ((BEFORE, LOST, ANSWERING, BEFORE_REMOVAL), 3),
    UNREAD.name: ((UNREAD, WAITING, UNREPORTED, REMOVAL_LOST_AFTER_ANSWER), 4),
}
KILLS: Mapping[str, Callable[[Trial, str], None]] = {
    "task retry": RECOVERIES["task SIGKILL"],
    "worker SIGKILL": RECOVERIES["worker SIGKILL"],
    "worker SIGKILL, two copies": lambda trial, task: trial.kill_task(task, "worker"),
}


def crash_at_each(
    trial: Trial, path: Path, purchase: Purchase, recover: Callable[[Trial, str], None], *, number: int = 1
) -> None:
    """
    Start a run, crash it at each instant of a path, and recover it after each crash.

    :param number: number of the run.
    """
    path[0].arrange(trial, purchase)
    trial.start_run(number)
    for instant, following in zip_longest(path, path[1:]):
        instant.reach(trial, purchase)
        if following:
            following.arrange(trial, purchase)
        recover(trial, instant.task(purchase))
        if not following or not following.waits:
            trial.end_stalls()


def crash(trial: Trial, *, path: Path, recover: Callable[[Trial, str], None]) -> None:
    """Crash one run at each instant of a path, recover it after each crash, and wait for its end."""
    crash_at_each(trial, path, PURCHASE, recover)
    trial.finish()
    trial.wait_for_copies()
    trial.expect(throughputs=0, deployments=1)


def give_up(trial: Trial, *, path: Path, deployments: int) -> None:
    """
    For each instant of a path, start a run and mark it as failed at this instant. Then let another run succeed.

    The last of the failed runs has stored all answers, so the other run needs no deployment.

    :param deployments: number of deployments that the failed runs create.
    """
    for number, instant in enumerate(path, start=1):
        instant.arrange(trial, PURCHASE)
        trial.start_run(number)
        instant.reach(trial, PURCHASE)
        trial.mark_run()
        state = trial.finish()
        trial.ensure(state == "failed", f"Run {number} was marked failed, but its state is {state}.")
        trial.ensure(trial.bought()["alive"] == 0, f"Run {number} was marked failed and has left its deployment.")
    name = trial.case.name
    trial.expect(throughputs=0, deployments=deployments, state="failed")
    trial.start_run(len(path) + 1)
    trial.expect(throughputs=0, deployments=deployments, name=name.replace("run marked failed", "next run"))


# Safety nets and errors


def _waiting_marked_failed(trial: Trial) -> None:
    WAITING.arrange(trial, PURCHASE)
    trial.start_run()
    WAITING.reach(trial, PURCHASE)
    trial.mark(ACTIVE)
    trial.finish()
    trial.wait_released()
    trial.expect(throughputs=0, deployments=1, state="failed")


def _creation_fails(trial: Trial) -> None:
    trial.fault(DEPLOYMENT, "deployment_failed", times=1)
    trial.start_run()
    trial.expect(throughputs=0, deployments=1, state="failed")


def _removal_refused(trial: Trial) -> None:
    start_to_answer(trial)
    trial.fault(DELETE_DEPLOYMENT, "access_denied", times=1)
    state = trial.finish()
    trial.ensure(
        state == "failed" and trial.bought()["alive"] == 1,
        f"The task `undeploy` failed, so the run must fail and leave its deployment. The run's state is {state}.",
    )
    trial.clear(UNDEPLOY, downstream=True)
    trial.expect(throughputs=0, deployments=1, note="the run succeeded after undeploy was cleared")


def _connections_lost(trial: Trial) -> None:
    """Lose all responses to the request for the deployment, and all connections of the first attempt to remove it."""
    LOST_FOR_GOOD.arrange(trial, PURCHASE)
    start_to_answer(trial)
    trial.fault(DELETE_DEPLOYMENT, "drop_before", times=POLLING_FAULTS)
    trial.finish()
    trial.wait_fired(DELETE_DEPLOYMENT, POLLING_FAULTS)
    trial.expect(throughputs=0, deployments=1)


def _polling_faults(trial: Trial) -> None:
    """Inject temporary faults of each kind while the run waits. Each lasts longer than botocore's retries."""
    WAITING.arrange(trial, PURCHASE)
    trial.start_run()
    WAITING.reach(trial, PURCHASE)
    arn = trial.endpoint_arn  # the trigger looks up the deployment by its ARN
    for kind in ("throttle", "internal_error", "drop_before", "expired_credentials"):
        fired = trial.fired(GET_DEPLOYMENT, match=arn)
        trial.fault(GET_DEPLOYMENT, kind, match=arn, times=POLLING_FAULTS)
        trial.wait_fired(GET_DEPLOYMENT, fired + POLLING_FAULTS, match=arn)
    trial.end_stalls()
    trial.expect(throughputs=0, deployments=1)


def _leftovers(trial: Trial) -> None:
    """Check that the sweeper keeps foreign deployments and those in use, and removes the deployment of an ended run."""
    WAITING.arrange(trial, PURCHASE)
    trial.start_run()
    WAITING.reach(trial, PURCHASE)
    foreign, account = f"foreign-{trial.case.key}", trial.stack.account
    account.create_foreign_deployment(foreign, account.ledger()["custom_models"][-1]["arn"])
    sweep(trial, "while-it-lives")
    trial.ensure(trial.bought()["alive"] == 1, "The sweeper removed the deployment of a run in progress.")
    trial.end_stalls()
    state = trial.finish()
    trial.ensure(
        state == "success" and trial.bought()["alive"] == 1,
        f"The run's own safety nets are disabled, so it must leave its deployment. The run's state is {state}.",
    )
    sweep(trial, "after-the-run")
    alive = {deployment["name"] for deployment in account.ledger()["deployments"] if deployment["alive"]}
    trial.ensure(foreign in alive, "The sweeper removed a deployment that is not ours.")
    account.delete_deployment(foreign)
    trial.expect(throughputs=0, deployments=1)


def _case(name: str, script: Callable[[Trial], None], phase: str = "together", **sections: Any) -> Case:
    serving = {"mode": "on_demand", **sections.pop("serving", {})}
    return Case(f"on demand, {name}", script, {**sections, "serving": serving}, phase)


def on_demand() -> list[Case]:
    """Return the cases that serve on demand."""
    cases = []
    recoveries = {**KILLS, **{recovery: RECOVERIES[recovery] for recovery in CLEARS}}
    for (name, path), (recovery, recover) in product(PATHS.items(), recoveries.items()):
        # A deferred task has no process that could be killed.
        steps = [instant for instant in path if recovery in CLEARS or instant is not STILL_WAITING]
        cases.append(_case(f"{name} / {recovery}", partial(crash, path=steps, recover=recover)))
    for recovery, path in product(("scheduler SIGKILL", "database lost, same run id"), SHORT_PATHS):
        script = partial(crash, path=path, recover=RECOVERIES[recovery])
        names = " and ".join(instant.name for instant in path)
        cases.append(_case(f"{names} / {recovery}", script, PHASES[recovery]))
    unnoticed = partial(crash, path=(WAITING, READY_UNNOTICED), recover=RECOVERIES["triggerer SIGKILL"])
    cases.append(_case("waiting / triggerer SIGKILL", unnoticed, "triggerer", **SLOW_POLLS))
    for name, (path, deployments) in GIVEN_UP.items():
        script = partial(give_up, path=path, deployments=deployments)
        cases.append(_case(f"{name} / run marked failed", script))
    return [*cases, *_errors()]


def _errors() -> list[Case]:
    nets = {"teardown": "silent", "on_kill": "no_release"}
    return [
        *(
            _case(f"net: {net} alone, waiting task marked failed", _waiting_marked_failed, tags=[tag])
            for net, tag in nets.items()
        ),
        _case("creation fails: the deployment is removed", _creation_fails),
        _case("removal refused; the run succeeds after undeploy is cleared", _removal_refused),
        _case("connections lost: deploy and undeploy are retried", _connections_lost),
        _case("polling: throttled, 5xx, connection errors, expired credentials", _polling_faults),
        _case("net: release_leftovers alone, run ended", _leftovers, "alone", **BARE, **EXPIRED),
    ]
