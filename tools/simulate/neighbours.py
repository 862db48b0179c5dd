"""
Let another run take place while a process of the schedule's run is between two calls.

The other run belongs to another use case with the same rows, student and settings, in the same buckets and below the
same prefix; or it is a backfill of the same DAG. Both runs are real: they have their own run folders, and each of them
must end as if it were alone. They share what the pipeline shares: the answers and the batch jobs below the prefix, and,
with a backfill, also the training jobs, the evaluation jobs and the standing endpoint of the use case.

Only some schedules have another run, because each of them runs twice as many tasks:

- Only the parts that buy, serve or promote have one. The other parts wait for nothing that another run could change
  meanwhile, or belong to DAGs of which Airflow starts one run at a time, such as the sweeper.
- The other run begins only before a call that writes, and before the first read of a process. A process that only reads
  changes nothing, so another run before its second read is like one before its first read or before its next write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tools.simulate.account import AccountSnapshot, MemoryAccount
from tools.simulate.api_server import ApiServer
from tools.simulate.clock import VirtualClock
from tools.simulate.dag_run import ENDED, DagRun, Graph, TaskInstance
from tools.simulate.divided import Sharing, divide, endpoints_of, keep_own
from tools.simulate.faults import BACKFILLS, FAILING, OTHERS, WAITING, Call, Fault, Way
from tools.simulate.known_steps import KnownSteps
from tools.simulate.parts import (
    BATCH,
    DISTILL,
    DISTILLATION,
    EVALUATION,
    ON_DEMAND,
    PROMOTION,
    REPLACEMENT,
    SERVING,
    SYNTHESIS,
    TRAINING,
    Part,
)
from tools.simulate.parts_of_purchases import OPTIMIZATION
from tools.simulate.planned_runs import DAY, PlannedRun, backfilled
from tools.simulate.record import FirstState, Record
from tools.simulate.use_case import load_dag, write_use_case

MEETING = (
    TRAINING,
    SERVING,
    ON_DEMAND,
    DISTILLATION,
    BATCH,
    SYNTHESIS,
    EVALUATION,
    OPTIMIZATION,
    PROMOTION,
    REPLACEMENT,
)
NAME = "neighbour"  # of the other use case
MOST_RUNS = 3
MAX_STEPS = 200
_BATCH = "synthesize_batch."
_IDLE = ("deferred", "awaiting_input")


class Installation(Protocol):
    """What the other runs need of the simulated installation."""

    part: Part
    folder: Path
    graph: Graph
    first: FirstState
    account: MemoryAccount
    api: ApiServer
    clock: VirtualClock
    worker: KnownSteps

    def preparing(self) -> AbstractContextManager[None]:
        """Go back to the first state, and let :meth:`execute_before` add to it inside the block."""

    def execute_before(self, run: DagRun, number: int) -> Mapping[str, TaskInstance]:
        """Execute the tasks of a run before the part, and return those that no schedule executes again."""

    def aside(self, record: Record) -> AbstractContextManager[None]:
        """Let another run go on inside the block."""

    def add(self, run: DagRun) -> DagRun:
        """Add a run to Airflow's database."""

    def step(self, run: DagRun) -> bool:
        """Do the next thing that Airflow does. Return whether anything is left to do."""

    def finish(self, run: DagRun) -> None:
        """Let Airflow go on until the run has ended, and record the end."""


@dataclass(frozen=True)
class _Prepared:
    """The first state of the schedules with another run, and the runs that may be needed, by whether they backfill."""

    account: AccountSnapshot
    now: float
    graphs: Mapping[bool, Graph]
    tasks: Mapping[bool, Sequence[Mapping[str, TaskInstance]]]


@dataclass
class _Other:
    """The other run of a schedule. ``endpoints`` are the names of the endpoints that it has created."""

    is_backfill: bool
    record: Record
    run: DagRun
    number: int = 1
    is_over: bool = False
    endpoints: set[str] = field(default_factory=set)


class Neighbours:
    """The other runs of a world. A schedule has one at a time, and the next one only if that has failed."""

    def __init__(self, world: Installation) -> None:
        self._world = world
        self._prepared: _Prepared | None = None
        self._other: _Other | None = None
        self._is_prepared = False  # whether the schedule starts with what other runs have prepared

    def first_state(self, faults: Sequence[Fault]) -> tuple[AccountSnapshot, float]:
        """Begin a schedule. Return the account and the time from which it starts."""
        first, self._other = self._world.first, None
        self._is_prepared = any(fault.kind in OTHERS for fault in faults)
        if not self._is_prepared:
            return first.account, first.now
        prepared = self._prepare()
        return prepared.account, prepared.now

    def _prepare(self) -> _Prepared:
        """Execute the tasks before the part for the runs that schedules may need. This happens only once."""
        if self._prepared is None:
            world, folder = self._world, self._world.folder / NAME
            write_use_case(folder, world.part, name=NAME)
            graphs = {True: world.graph, False: Graph(load_dag(folder, DISTILL, use_case=NAME))}
            with world.preparing():
                tasks = {
                    is_backfill: [
                        world.execute_before(DagRun(graph, _planned(number, is_backfill), world.clock.now), number)
                        for number in range(1, MOST_RUNS + 1)
                    ]
                    for is_backfill, graph in graphs.items()
                }
                self._prepared = _Prepared(world.account.snapshot(), world.clock.now, graphs, tasks)
        return self._prepared

    # The other run

    def pass_by(self, fault: Fault, record: Record) -> None:
        """
        Let the other run begin, and go on until its end or until it waits.

        :param record: an empty record for the other run.
        """
        is_backfill = fault.kind in BACKFILLS
        self._other = other = _Other(is_backfill, record, self._made(is_backfill, 1))
        with self._running(other):
            self._world.add(other.run)
            if fault.kind in (*WAITING, *FAILING):
                self._until_it_waits(other.run)
            if fault.kind in FAILING:
                self._mark_failed(other, fault)
            if fault.kind not in WAITING or not _idle(self._world.api.runs[other.run.run_id]):
                self._end(other)

    def go_on(self) -> None:
        """Let the other run go on to its end, if it waits."""
        if self._other and not self._other.is_over:
            with self._running(self._other):
                self._end(self._other)

    def recover(self) -> None:
        """If the other run has failed, let the next ones follow until one of them succeeds."""
        other = self._other
        while other and other.record.ended[-1] != "success" and other.number < MOST_RUNS:
            other.number += 1
            with self._running(other):
                self._world.clock.sleep(DAY)
                other.run = self._world.add(self._made(other.is_backfill, other.number))
                self._end(other)

    def _made(self, is_backfill: bool, number: int) -> DagRun:
        prepared, now = self._prepare(), self._world.clock.now
        given = prepared.tasks[is_backfill][number - 1]
        return DagRun(prepared.graphs[is_backfill], _planned(number, is_backfill), now, given)

    @contextmanager
    def _running(self, other: _Other) -> Iterator[None]:
        before = endpoints_of(self._world.account.ledger)
        with self._world.aside(other.record):
            yield
        other.endpoints |= endpoints_of(self._world.account.ledger) - before

    def _until_it_waits(self, run: DagRun) -> None:
        for _ in range(MAX_STEPS):
            run = self._world.api.runs[run.run_id]
            if _idle(run) or not self._world.step(run):
                return

    def _mark_failed(self, other: _Other, fault: Fault) -> None:
        """Mark the task that waits as failed, so that its trigger acts. Nothing is marked if no task waits."""
        world, run = self._world, self._world.api.runs[other.run.run_id]
        task = _idle(run)
        if task is None:
            return
        trigger = world.worker.waiting(run, task) if task.state == "deferred" else None
        run.mark(task, "failed")
        call = Call(fault.at, task.label, "trigger", "", is_aws=False, run_id=run.run_id)
        other.record.met.append((Fault(fault.at, fault.kind, Way.MARK_FAILED), call))
        is_killed = trigger is not None and world.worker.kill_trigger(trigger) is None
        if is_killed and not self.awaited(run, task.task_id):
            other.record.after_mark.append(world.account.ledger)

    def _end(self, other: _Other) -> None:
        self._world.finish(other.run)
        other.is_over = True

    # What both runs share

    def awaited(self, run: DagRun, task_id: str = "") -> bool:
        """
        Return whether another run waits for a job that it may share with a run.

        Runs of the same DAG share all jobs, and all runs below a prefix share the batch jobs.

        :param task_id: the task that waits for the job, or another task of its group; empty for any job.
        """
        group = task_id.rpartition(".")[0]
        return any(
            one.task_id.rpartition(".")[0] == group or not task_id
            for live in self._world.api.runs.values()
            if live.run_id != run.run_id and live.state == "running"
            for one in live.tasks.values()
            if live.graph.dag is run.graph.dag or one.task_id.startswith(_BATCH)
            if one.task_id.endswith(".submit") and one.state == "success" and _waits(live, one.task_id)
        )

    def judge_apart(self, record: Record) -> None:
        """
        Divide what has happened between the schedule's run and the other one, so that the rules judge each of them.

        :param record: the record of the schedule, with everything.
        """
        if other := self._other:
            divide(record, other.record, Sharing(NAME, other.is_backfill, other.endpoints), self._world.account.ledger)
        elif self._is_prepared:  # the other run has not begun, because the call that it waits for is not made
            keep_own(record, Sharing(NAME, is_backfill=True, endpoints=()), is_other=False)


def _waits(run: DagRun, submit: str) -> bool:
    """Return whether a task of a run still waits for the job of a task ``submit``."""
    waiting = [f"{submit.removesuffix('submit')}{name}" for name in ("trained", "wait")]
    return any(state not in ENDED for state in run.states(one for one in waiting if one in run.instances))


def _idle(run: DagRun) -> TaskInstance | None:
    return next((task for task in run.tasks.values() if task.state in _IDLE), None)


def _planned(number: int, is_backfill: bool) -> PlannedRun:
    return backfilled(number) if is_backfill else PlannedRun(f"manual__{NAME}-{number}")
