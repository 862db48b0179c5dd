"""
The matrix: every crash instant with every way back, for the training job and for the throughput of the same run.

An instant is brought about twice in a run, first around the job (`submit`, `trained`), then around the throughput
(`provision`, `in_service`), and the way back is taken each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tools.chaos.trial import GET_JOB, GET_THROUGHPUT, JOB, THROUGHPUT, Case, Trial

BOTOCORE_ATTEMPTS = 6  # of the hook
COPY_SECONDS = 60.0  # longer than it takes until Airflow replaces the copy, and until that one's throughput is released


@dataclass(frozen=True)
class Side:
    """One of the two things that are bought."""

    create: str
    get: str
    buyer: str
    waiter: str
    stalled: str
    looks_before: int  # how often the buyer looks before it buys


SIDES = (
    Side(JOB, GET_JOB, "tuned.submit", "tuned.trained", "job_stalled", 2),
    Side(THROUGHPUT, GET_THROUGHPUT, "tuned.provision", "tuned.in_service", "throughput_stalled", 1),
)


@dataclass(frozen=True)
class Instant:
    """
    A moment to crash in.

    :param arrange: prepares the AWS simulator before the run starts.
    :param reach: returns when the run stands at the instant.
    :param waits: True when the moment is the waiting task's, else it is the buying task's.
    """

    name: str
    arrange: Callable[[Trial, Side], None]
    reach: Callable[[Trial, Side], None]
    waits: bool = False

    def task(self, side: Side) -> str:
        """Return the task that is hit."""
        return side.waiter if self.waits else side.buyer


def _hold_look(trial: Trial, side: Side) -> None:
    trial.hold(side.get)


def _hold_create(trial: Trial, side: Side) -> None:
    trial.hold(side.create)


def _lose_answer(trial: Trial, side: Side) -> None:
    """Lose the first answer and hold the second, which botocore asks for by itself."""
    trial.fault(side.create, "drop_after", times=1)
    trial.hold(side.create)


def _lose_answers_and_looks(trial: Trial, side: Side) -> None:
    trial.fault(side.create, "drop_after", times=BOTOCORE_ATTEMPTS)
    trial.fault(side.get, "drop_before", times=BOTOCORE_ATTEMPTS, after=side.looks_before)


def _lose_one_answer(trial: Trial, side: Side) -> None:
    trial.fault(side.create, "drop_after", times=1)


def _refuse_connections(trial: Trial, side: Side) -> None:
    trial.fault(side.create, "drop_before", times=BOTOCORE_ATTEMPTS)


def _stall(trial: Trial, side: Side) -> None:
    trial.fault(side.create, side.stalled, times=1)


def _stall_and_hold_look(trial: Trial, side: Side) -> None:
    """Hold the look that follows the purchase, of a thing that is not done soon."""
    _stall(trial, side)
    trial.hold(side.get, after=side.looks_before)


def _fired(operation: str, trial: Trial, side: Side) -> None:
    trial.wait_fired(getattr(side, operation))


def _watched(trial: Trial, side: Side) -> None:
    trial.wait_watched(side.waiter)


def _woken(trial: Trial, side: Side) -> None:
    """Hold the look of the woken task, which knows then and has not reported."""
    trial.wait_watched(side.waiter)
    trial.end_stalls()
    trial.wait_state(side.waiter, "scheduled", "queued", "running")
    trial.hold(side.get)
    trial.wait_fired(side.get)


def _done_unnoticed(trial: Trial, side: Side) -> None:
    """Wait until the thing is there and its trigger, which looks rarely, has not seen it."""
    trial.wait_watched(side.waiter)
    trial.end_stalls()
    if side.get == GET_JOB:
        trial.wait_job("Completed")
    trial.ensure(trial.task_state(side.waiter) == "deferred", "The trigger looked too early: the instant was missed.")


BEFORE = Instant("before the call", _hold_look, partial(_fired, "get"))
REFUSED = Instant("before the call", _refuse_connections, partial(_fired, "create"))
LOST = Instant("answer lost", _lose_answer, partial(_fired, "create"))
LOST_ONCE = Instant("answer lost", _lose_one_answer, partial(_fired, "create"))
LOST_TWICE = Instant("answer lost", _lose_answers_and_looks, partial(_fired, "create"))
UNRECORDED = Instant("answered, not recorded", _hold_create, partial(_fired, "create"))
UNLOOKED = Instant("answered, not recorded", _stall_and_hold_look, partial(_fired, "get"))
WAITING = Instant("waiting", _stall, _watched, waits=True)
UNREPORTED = Instant("done, not reported", _stall, _woken, waits=True)
UNNOTICED = Instant("done, not reported", _stall, _done_unnoticed, waits=True)


def _nothing(trial: Trial, task: str) -> None:
    """The task's own retry is the way back."""


WAYS: dict[str, Callable[[Trial, str], None]] = {
    "task retry": _nothing,
    "clear task": lambda trial, task: trial.clear(task),
    "clear task and downstream": lambda trial, task: trial.clear(task, downstream=True),
    "clear run": lambda trial, task: trial.clear_run(),
    "task SIGKILL": lambda trial, task: trial.kill_task(task),
    "worker SIGKILL": lambda trial, task: trial.kill_task(task, "worker"),
    "triggerer SIGKILL": lambda trial, task: trial.take_strike(),
    "scheduler SIGKILL": lambda trial, task: trial.take_strike(),
    "database lost, same run id": lambda trial, task: _retrigger(trial),
}
PHASES = {
    "triggerer SIGKILL": "triggerer",
    "scheduler SIGKILL": "scheduler",
    "database lost, same run id": "database",
}
IMPOSSIBLE = {
    "before the call / triggerer SIGKILL": "nothing is deferred yet: no triggerer takes part",
    "answer lost / triggerer SIGKILL": "nothing is deferred yet: no triggerer takes part",
    "answered, not recorded / triggerer SIGKILL": "nothing is deferred yet: no triggerer takes part",
    "waiting / task retry": "a deferred task has no process that could fail; the ends of a wait are the sensor cases",
    "waiting / worker SIGKILL": "a deferred task is in no worker",
    "two copies / task retry": "a retry begins when the copy before it is known to be dead",
    "two copies / triggerer SIGKILL": "a deferred task has one trigger row, and copies of tasks do not go through it",
    "two copies / scheduler SIGKILL": "all rows of that way are this: its tasks run on beside those that replace them",
    "two copies / database lost, same run id": "the same as answered, not recorded: what is lost is all there was",
    "two copies / run marked failed": "marks reach the copy that Airflow knows; the other is the worker's row",
    "two copies / next night": "the other night has another run id: the same as answered, not recorded",
}


def _retrigger(trial: Trial) -> None:
    trial.take_strike()
    trial.world.engineer.start(trial.dag_id, trial.run_id)


def crash(trial: Trial, *, instant: Instant, way: str) -> None:
    """Crash around the job and around the throughput of one run, and see it through."""
    for side in SIDES:
        instant.arrange(trial, side)
    trial.night()
    for side in SIDES:
        instant.reach(trial, side)
        WAYS[way](trial, instant.task(side))
        trial.end_stalls()
    trial.finish()
    trial.wait_for_copies()
    trial.expect()


def _one_of_each(trial: Trial) -> None:
    """Kill the task when the job is bought, and lose the answers about the throughput."""
    job, throughput = SIDES
    UNRECORDED.arrange(trial, job)
    LOST_TWICE.arrange(trial, throughput)
    trial.night()
    UNRECORDED.reach(trial, job)
    trial.kill_task(job.buyer)
    trial.expect()


def give_up(trial: Trial, *, instant: Instant, stops: bool | None, throughputs: tuple[int, int]) -> None:
    """
    Mark the run failed at the instant, one night around the job, the next around the throughput; then let one pass.

    A job that runs is stopped with its run, so the next night buys the next attempt; one that was done is found again.

    :param stops: whether the job was running; None when it may have ended before anybody could stop it.
    :param throughputs: how many there are after two nights, and after three.
    """
    for number, side in enumerate(SIDES, start=1):
        instant.arrange(trial, side)
        trial.night(number)
        instant.reach(trial, side)
        trial.mark_run()
        ended = trial.finish()
        trial.ensure(ended == "failed", f"Night {number} was marked failed and ended {ended}.")
        if trial.bought()["jobs"]:
            trial.wait_job("Stopped", "Completed")  # one that is still Stopping would be adopted, and fail its night
    stopped = sum(job["status"] == "Stopped" for job in trial.bought()["jobs"])
    trial.ensure(stops in (None, bool(stopped)), f"{stopped} jobs were stopped.")
    jobs = stopped + 1
    trial.expect(jobs=jobs, throughputs=throughputs[0], state="failed", name=f"{instant.name} / run marked failed")
    trial.night(3)
    trial.expect(jobs=jobs, throughputs=throughputs[1], name=f"{instant.name} / next night")


def _crash(instant: Instant, way: str, *, name: str = "", changes: Mapping[str, Any] | None = None) -> Case:
    script = partial(crash, instant=instant, way=way)
    return Case(f"{instant.name} / {name or way}", script, changes or {}, PHASES.get(way, "together"))


def _two_copies(trial: Trial, *, before: bool) -> None:
    """Kill the supervisor alone: Airflow starts another copy while the first one still asks."""
    for side in SIDES:
        trial.hold(side.get if before else side.create, seconds=COPY_SECONDS)
    trial.night()
    for side in SIDES:
        trial.wait_fired(side.get if before else side.create)
        trial.kill_task(side.buyer, "supervisor")
    trial.finish()
    trial.wait_for_copies()
    trial.expect()


def _cleared_copies(trial: Trial, *, way: str) -> None:
    """Clear while the task is about to buy, and hold both copies before the call."""
    for side in SIDES:
        trial.hold(side.get, seconds=12)
        trial.hold(side.get, seconds=6)
    trial.night()
    for side in SIDES:
        trial.wait_fired(side.get)
        WAYS[way](trial, side.buyer)
    trial.expect()


SLOW_LOOKS: dict[str, Any] = {"training": {"poll_interval_seconds": 40}, "serving": {"poll_interval_seconds": 40}}
CLEARS = ("clear task", "clear task and downstream", "clear run")
CRASHES = ("worker SIGKILL", "scheduler SIGKILL", "database lost, same run id")


def matrix() -> list[Case]:
    """Return all possible cells."""
    cases = [_crash(REFUSED, "task retry"), _crash(LOST_TWICE, "task retry")]
    cases += [_crash(LOST_ONCE, "task retry", name="botocore's own retry")]
    cases += [_crash(instant, "task SIGKILL", name="task retry") for instant in (UNRECORDED, UNREPORTED)]
    for instant in (BEFORE, LOST, UNRECORDED, UNREPORTED):
        cases += [_crash(instant, way) for way in (*CLEARS, *CRASHES)]
    cases += [_crash(WAITING, way) for way in (*CLEARS, "triggerer SIGKILL", *CRASHES[1:])]
    cases += [_crash(UNNOTICED, "triggerer SIGKILL", changes=SLOW_LOOKS)]
    for instant, stops, throughputs in GIVEN_UP:
        script = partial(give_up, instant=instant, stops=stops, throughputs=throughputs)
        cases.append(Case(f"{instant.name} / run marked failed", script))
    cases += [
        Case("answered, not recorded, then answer lost / task retry", _one_of_each),
        Case("two copies, bought / worker SIGKILL", partial(_two_copies, before=False)),
        Case("two copies, about to buy / worker SIGKILL", partial(_two_copies, before=True)),
        *(Case(f"two copies, about to buy / {way}", partial(_cleared_copies, way=way)) for way in CLEARS),
    ]
    return cases


GIVEN_UP: tuple[tuple[Instant, bool | None, tuple[int, int]], ...] = (
    (BEFORE, False, (0, 1)),
    (LOST, None, (1, 2)),
    (UNLOOKED, True, (1, 2)),
    (WAITING, True, (1, 2)),
    (UNREPORTED, False, (1, 2)),
)
