"""
Test every possible combination of crash and recovery, for both purchases of a run: the training job and the throughput.

An instant is a moment in a purchase. Each run crashes twice at the same instant: first in the purchase of the job
(tasks `submit` and `trained`), then in the purchase of the throughput (tasks `provision` and `in_service`). After each
crash, the run is recovered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tools.chaos.trial import GET_JOB, GET_THROUGHPUT, JOB, THROUGHPUT, Case, Trial

BOTOCORE_ATTEMPTS = 6  # attempts that botocore makes for one call of our hook
COPY_SECONDS = 60.0  # long enough for Airflow to start the other copy, and for that copy to release its throughput


@dataclass(frozen=True)
class Purchase:
    """
    One of the two purchases of a run: the training job or the throughput.

    :param create, get: the AWS operation that makes the purchase, and the operation that describes what was bought.
    :param buyer, waiter: the task that calls ``create``, and the task that waits until the job or throughput is ready.
    :param stalled: the fault that keeps the job or throughput from becoming ready.
    :param reads_before: number of times that the buyer calls ``get`` before it calls ``create``.
    """

    create: str
    get: str
    buyer: str
    waiter: str
    stalled: str
    reads_before: int


PURCHASES = (
    # `submit` looks for the job twice, each time under the job's current name and its former name.
    Purchase(JOB, GET_JOB, "tuned.submit", "tuned.trained", "job_stalled", 4),
    Purchase(THROUGHPUT, GET_THROUGHPUT, "tuned.provision", "tuned.in_service", "throughput_stalled", 1),
)


@dataclass(frozen=True)
class Instant:
    """
    A moment in a purchase at which the run crashes.

    :param arrange: prepares the AWS simulator before the run starts.
    :param reach: waits until the run has reached the instant.
    :param waits: True when the crash hits the waiting task, False when it hits the buying task.
    :param hits: the task that the crash hits, if it is neither of these tasks.
    """

    name: str
    arrange: Callable[[Trial, Purchase], None]
    reach: Callable[[Trial, Purchase], None]
    waits: bool = False
    hits: str = ""

    def task(self, purchase: Purchase) -> str:
        """Return the task that the crash hits."""
        return self.hits or (purchase.waiter if self.waits else purchase.buyer)


def _hold_get(trial: Trial, purchase: Purchase) -> None:
    trial.hold(purchase.get)


def _hold_create(trial: Trial, purchase: Purchase) -> None:
    trial.hold(purchase.create)


def _lose_response(trial: Trial, purchase: Purchase) -> None:
    """Lose the first response, and delay the response to botocore's retry."""
    trial.fault(purchase.create, "drop_after", times=1)
    trial.hold(purchase.create)


def _lose_all_responses(trial: Trial, purchase: Purchase) -> None:
    trial.fault(purchase.create, "drop_after", times=BOTOCORE_ATTEMPTS)
    trial.fault(purchase.get, "drop_before", times=BOTOCORE_ATTEMPTS, after=purchase.reads_before)


def _lose_one_response(trial: Trial, purchase: Purchase) -> None:
    trial.fault(purchase.create, "drop_after", times=1)


def _refuse_connections(trial: Trial, purchase: Purchase) -> None:
    trial.fault(purchase.create, "drop_before", times=BOTOCORE_ATTEMPTS)


def _stall(trial: Trial, purchase: Purchase) -> None:
    trial.fault(purchase.create, purchase.stalled, times=1)


def _stall_and_hold_get(trial: Trial, purchase: Purchase) -> None:
    """Keep the job or throughput from becoming ready, and delay the response to the first read after its purchase."""
    _stall(trial, purchase)
    trial.hold(purchase.get, after=purchase.reads_before)


def _fired(operation: str, trial: Trial, purchase: Purchase) -> None:
    trial.wait_fired(getattr(purchase, operation))


def _read_after_purchase(trial: Trial, purchase: Purchase) -> None:
    """Wait until the first read after the purchase is delayed."""
    trial.wait_fired(purchase.get)
    trial.ensure(
        trial.fired(purchase.create) > 0,
        f"{purchase.get} was delayed before {purchase.create} was called. Correct reads_before of {purchase.buyer}.",
    )


def _watched(trial: Trial, purchase: Purchase) -> None:
    trial.wait_watched(purchase.waiter)


def _woken(trial: Trial, purchase: Purchase) -> None:
    """
    Reach the instant at which the trigger has resumed the waiting task, but the task has not returned a result yet.

    A delayed read of the job or throughput holds the task at this instant.
    """
    trial.wait_watched(purchase.waiter)
    trial.end_stalls()
    trial.wait_state(purchase.waiter, "scheduled", "queued", "running")
    reach_held(trial, purchase.get)


def reach_held(trial: Trial, operation: str, *, match: str = "") -> None:
    """Delay the response to the next call of an operation, and wait for this call."""
    fired = trial.fired(operation, match=match)
    trial.hold(operation, match=match)
    trial.wait_fired(operation, fired + 1, match=match)


def _done_unnoticed(trial: Trial, purchase: Purchase) -> None:
    """Wait until the job or throughput is ready. The trigger polls rarely, so it has not noticed this yet."""
    trial.wait_watched(purchase.waiter)
    trial.end_stalls()
    if purchase.get == GET_JOB:
        trial.wait_job("Completed")
    trial.ensure(
        trial.task_state(purchase.waiter) == "deferred", "The trigger polled too early, so the case missed its instant."
    )


BEFORE = Instant("before the call", _hold_get, partial(_fired, "get"))
REFUSED = Instant("before the call", _refuse_connections, partial(_fired, "create"))
LOST = Instant("response lost", _lose_response, partial(_fired, "create"))
LOST_ONCE = Instant("response lost", _lose_one_response, partial(_fired, "create"))
LOST_FOR_GOOD = Instant("response lost", _lose_all_responses, partial(_fired, "create"))
UNRECORDED = Instant("response not recorded", _hold_create, partial(_fired, "create"))
UNREAD = Instant("response not recorded", _stall_and_hold_get, _read_after_purchase)
WAITING = Instant("waiting", _stall, _watched, waits=True)
UNREPORTED = Instant("done, not reported", _stall, _woken, waits=True)
UNNOTICED = Instant("done, not reported", _stall, _done_unnoticed, waits=True)


def _nothing(trial: Trial, task: str) -> None:
    """Do nothing: the task's own retry is the recovery."""


RECOVERIES: dict[str, Callable[[Trial, str], None]] = {
    "task retry": _nothing,
    "clear task": lambda trial, task: trial.clear(task),
    "clear task and downstream": lambda trial, task: trial.clear(task, downstream=True),
    "clear run": lambda trial, task: trial.clear_run(),
    "task SIGKILL": lambda trial, task: trial.kill_task(task),
    "worker SIGKILL": lambda trial, task: trial.kill_task(task, "both"),
    "triggerer SIGKILL": lambda trial, task: trial.take_shared_fault(),
    "scheduler SIGKILL": lambda trial, task: trial.take_shared_fault(),
    "database lost, same run id": lambda trial, task: _retrigger(trial),
}
PHASES = {
    "triggerer SIGKILL": "triggerer",
    "scheduler SIGKILL": "scheduler",
    "database lost, same run id": "database",
}
IMPOSSIBLE = {
    "before the call / triggerer SIGKILL": "no task is deferred yet, so the triggerer is not involved",
    "response lost / triggerer SIGKILL": "no task is deferred yet, so the triggerer is not involved",
    "response not recorded / triggerer SIGKILL": "no task is deferred yet, so the triggerer is not involved",
    "waiting / task retry": "a deferred task has no process that could fail; other cases cover the end of a wait",
    "waiting / worker SIGKILL": "a deferred task does not run in a worker",
    "two copies / task retry": "a retry starts only after Airflow has noticed that the first copy is dead",
    "two copies / triggerer SIGKILL": "a deferred task has one trigger, so there is no second copy of it",
    "two copies / scheduler SIGKILL": "every scheduler SIGKILL case covers this: the old tasks keep running",
    "two copies / database lost, same run id": "same as 'response not recorded', because no copy is left",
    "two copies / run marked failed": "marking affects only the copy that Airflow has recorded; see worker SIGKILL",
    "two copies / next run": "same as 'response not recorded', because the next run has another run id",
}


def _retrigger(trial: Trial) -> None:
    trial.take_shared_fault()
    trial.stack.operator.start(trial.dag_id, trial.run_id)


def crash(trial: Trial, *, instant: Instant, recovery: str) -> None:
    """Crash one run at ``instant`` in each of its two purchases, recover it after each crash, and wait for its end."""
    for purchase in PURCHASES:
        instant.arrange(trial, purchase)
    trial.start_run()
    for purchase in PURCHASES:
        instant.reach(trial, purchase)
        RECOVERIES[recovery](trial, instant.task(purchase))
        trial.end_stalls()
    trial.finish()
    trial.wait_for_copies()
    trial.expect()


def _one_of_each(trial: Trial) -> None:
    """Kill the task `submit` after it has bought the job, then lose all responses to the request for the throughput."""
    job, throughput = PURCHASES
    UNRECORDED.arrange(trial, job)
    LOST_FOR_GOOD.arrange(trial, throughput)
    trial.start_run()
    UNRECORDED.reach(trial, job)
    trial.kill_task(job.buyer)
    trial.expect()


def give_up(trial: Trial, *, instant: Instant, stops: bool | None, throughputs: tuple[int, int]) -> None:
    """
    Mark two runs as failed, and let a third run succeed.

    ``instant`` is a moment in a purchase. The first run is marked as failed at this moment in the purchase of its job,
    and the second run at the same moment in the purchase of its throughput. A job that is still running is stopped with
    its run, so the next run buys another job. A completed job is reused.

    :param stops: True if marking the run stops a running job, False if there is no running job, and None if the job may
        end before it is stopped.
    :param throughputs: total number of throughputs bought after two runs, and after three runs.
    """
    for number, purchase in enumerate(PURCHASES, start=1):
        instant.arrange(trial, purchase)
        trial.start_run(number)
        instant.reach(trial, purchase)
        trial.mark_run()
        state = trial.finish()
        trial.ensure(state == "failed", f"Run {number} was marked failed, but its state is {state}.")
        if trial.bought()["jobs"]:
            # Without this wait, the next run would wait for the job that is still Stopping, and then fail.
            trial.wait_job("Stopped", "Completed")
    stopped = sum(job["status"] == "Stopped" for job in trial.bought()["jobs"])
    trial.ensure(stops in (None, bool(stopped)), f"Unexpected number of stopped jobs: {stopped}.")
    jobs = stopped + 1
    trial.expect(jobs=jobs, throughputs=throughputs[0], state="failed", name=f"{instant.name} / run marked failed")
    trial.start_run(3)
    trial.expect(jobs=jobs, throughputs=throughputs[1], name=f"{instant.name} / next run")


def _crash(instant: Instant, recovery: str, *, name: str = "", changes: Mapping[str, Any] | None = None) -> Case:
    script = partial(crash, instant=instant, recovery=recovery)
    return Case(f"{instant.name} / {name or recovery}", script, changes or {}, PHASES.get(recovery, "together"))


def two_copies(trial: Trial, *, before: bool) -> None:
    """Kill only the worker. Airflow starts another copy of the task while the first copy still runs."""
    for purchase in PURCHASES:
        trial.hold(purchase.get if before else purchase.create, seconds=COPY_SECONDS)
    trial.start_run()
    for purchase in PURCHASES:
        trial.wait_fired(purchase.get if before else purchase.create)
        trial.kill_task(purchase.buyer, "worker")
    trial.finish()
    trial.wait_for_copies()
    trial.expect()


def _cleared_copies(trial: Trial, *, recovery: str) -> None:
    """
    Clear the task just before it buys, so that two copies of it run.

    The read before the purchase is delayed in both copies. The delay is longer in the first copy, so that both copies
    are about to buy at the same time.
    """
    for purchase in PURCHASES:
        trial.hold(purchase.get, seconds=12)
        trial.hold(purchase.get, seconds=6)
    trial.start_run()
    for purchase in PURCHASES:
        trial.wait_fired(purchase.get)
        RECOVERIES[recovery](trial, purchase.buyer)
    trial.expect()


SLOW_POLLS: dict[str, Any] = {"training": {"poll_interval_seconds": 40}, "serving": {"poll_interval_seconds": 40}}
CLEARS = ("clear task", "clear task and downstream", "clear run")
CRASHES = ("worker SIGKILL", "scheduler SIGKILL", "database lost, same run id")


def matrix() -> list[Case]:
    """Return the cases: one for each possible combination of crash and recovery."""
    cases = [_crash(REFUSED, "task retry"), _crash(LOST_FOR_GOOD, "task retry")]
    cases += [_crash(LOST_ONCE, "task retry", name="botocore's own retry")]
    cases += [_crash(instant, "task SIGKILL", name="task retry") for instant in (UNRECORDED, UNREPORTED)]
    for instant in (BEFORE, LOST, UNRECORDED, UNREPORTED):
        cases += [_crash(instant, recovery) for recovery in (*CLEARS, *CRASHES)]
    cases += [_crash(WAITING, recovery) for recovery in (*CLEARS, "triggerer SIGKILL", *CRASHES[1:])]
    cases += [_crash(UNNOTICED, "triggerer SIGKILL", changes=SLOW_POLLS)]
    for instant, stops, throughputs in GIVEN_UP:
        script = partial(give_up, instant=instant, stops=stops, throughputs=throughputs)
        cases.append(Case(f"{instant.name} / run marked failed", script))
    cases += [
        Case("response not recorded, then response lost / task retry", _one_of_each),
        Case("two copies, bought / worker SIGKILL", partial(two_copies, before=False)),
        Case("two copies, about to buy / worker SIGKILL", partial(two_copies, before=True)),
        *(
            Case(f"two copies, about to buy / {recovery}", partial(_cleared_copies, recovery=recovery))
            for recovery in CLEARS
        ),
    ]
    return cases


GIVEN_UP: tuple[tuple[Instant, bool | None, tuple[int, int]], ...] = (
    (BEFORE, False, (0, 1)),
    (LOST, None, (1, 2)),
    (UNREAD, True, (1, 2)),
    (WAITING, True, (1, 2)),
    (UNREPORTED, False, (1, 2)),
)
