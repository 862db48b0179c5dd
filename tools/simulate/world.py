"""
Run schedules: put the account and the run into their first state, let the faults happen, and recover until the end.

After the faults of a schedule, the run goes on by itself. If it does not succeed, the next run follows, as it would in
the next night. Each fault may make one run fail, so a schedule has at most one run more than faults.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

from airflow.sdk.execution_time import task_runner

from tools.simulate.account import MemoryAccount
from tools.simulate.api_server import ApiServer
from tools.simulate.clock import VirtualClock, virtual_time
from tools.simulate.computed_once import computed_once
from tools.simulate.dag_run import ENDED, DagRun, Graph, TaskInstance
from tools.simulate.earlier import EARLIER, NOTHING
from tools.simulate.environment import OUTPUT_BUCKET, ROLE, TRAINING_BUCKET
from tools.simulate.faults import OTHERS, Fault, Kind, Way
from tools.simulate.known_steps import KnownSteps
from tools.simulate.meanwhile import act_meanwhile
from tools.simulate.neighbours import MEETING, Neighbours
from tools.simulate.one_thread import one_thread
from tools.simulate.parts import APPROVE, DISTILL, EARLIER_RUN, Part
from tools.simulate.person import answer_question
from tools.simulate.planned_runs import DAY, planned_of
from tools.simulate.promoting import settle_without_real_time, write_report
from tools.simulate.record import FirstState, Record, overshadowed
from tools.simulate.small_batches import small_batches
from tools.simulate.sweeping import Sweeper
from tools.simulate.use_case import ENDPOINT_SECONDS, JOB_SECONDS, load_dag, write_use_case
from tools.simulate.wire import Wire

MAX_RUNS = 4  # so a schedule has at most three faults
HEARTBEAT_TIMEOUT_SECONDS = 300.0  # Airflow's default for a task
CHAMPION_RUNS = (0, EARLIER_RUN)  # the runs that promote the champions which the schedules find
MAX_STEPS = 200  # attempts and waits of one run; more means that it never ends


class World:
    """One simulated installation. Create it with :func:`open_world`."""

    def __init__(self, folder: Path, part: Part) -> None:
        self.part = part
        self.account = MemoryAccount(
            (ROLE,),
            job_seconds=JOB_SECONDS,
            throughput_seconds=ENDPOINT_SECONDS,
            deployment_seconds=ENDPOINT_SECONDS,
            batch_seconds=JOB_SECONDS,
            evaluation_seconds=JOB_SECONDS,
            optimization_seconds=JOB_SECONDS,
            model_units=10,
        )
        self.clock = VirtualClock(self.account)
        self.wire = Wire(self.account, self.clock)
        self.clock.guard = self.wire.guarded
        self.api = ApiServer(self.wire, self.clock)
        self.folder = folder
        self.worker = KnownSteps(self.account, self.wire, self.api, self.clock)
        self._record = Record(())
        self._began, self._is_resumed = 0, False  # the first call of the present attempt, and whether it had waited
        self._choice: str | None = APPROVE  # what a person answers now; the questions before the part are approved
        self._is_recorded = True  # whether the present attempt has recorded its start
        self.wire.while_asleep = self._while_asleep
        self.wire.let_pass = self._let_pass
        self.neighbours = Neighbours(self)

    def close(self) -> None:
        """Close the event loop and the account."""
        self.worker.close()
        self.account.close()

    def prepare(self, first: FirstState | None) -> None:
        """Execute the tasks before the part, unless their result is given: the first state of the schedules."""
        write_use_case(self.folder, self.part)
        self.graph = Graph(load_dag(self.folder))
        if self.part.dag == DISTILL:
            self.graph.require_order(self.part.name, self.part.before, self.part.tasks)
        self.sweeper = Sweeper(self.folder, self.account, self.api, self.clock)
        self.first = first or self._execute_before()
        if self.part.dag != DISTILL:
            self.graph = Graph(load_dag(self.folder, self.part.dag))
        self._active, self._choice = {*self.part.tasks, *self.sweeper.tasks}, self.part.choice

    def _execute_before(self) -> FirstState:
        self._active = set(self.part.before)
        for bucket in (TRAINING_BUCKET, OUTPUT_BUCKET):
            self.account.objects.objects[bucket] = {}
        promotion = self.part.promotion
        if promotion and promotion.has_champion and not promotion.is_stale:
            self._promote_earlier()
        expected, past = NOTHING, tuple[DagRun, ...]()
        if self.part.earlier:
            expected = EARLIER[self.part.earlier](self)
            past = tuple(run.copy() for run in self.api.runs.values())
            self._active, self._choice = set(self.part.before), APPROVE
        numbers = range(1, MAX_RUNS + 1)
        runs = tuple(self._prepared_run(number) if self.part.before else {} for number in numbers)
        if promotion and promotion.is_stale:
            self._promote_earlier()
        return FirstState(self.account.snapshot(), runs, self.clock.now, past, expected)

    def run_earlier(self, part: Part, number: int, first_row: int) -> DagRun:
        """Execute a run of a part before the schedules. With another first row, it trains another model."""
        self.part, own = part, self.part
        write_use_case(self.folder, part, first_row=first_row)
        self.graph, self._active = Graph(load_dag(self.folder)), set(part.before)
        tasks = self._prepared_run(number)
        self._active, self._choice = {*part.before, *part.tasks}, part.choice
        run = self._start(number, tasks)
        self.finish(run)
        self.part = own
        write_use_case(self.folder, own)
        self.graph = Graph(load_dag(self.folder))
        return self.api.runs[run.run_id]

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Go back to the first state, and let :meth:`execute_before` add to it inside the block."""
        self.account.restore(self.first.account)
        self.clock.now = self.first.now
        self.wire.reset({})
        self.api.runs, kept = {}, (self._active, self._choice)
        self._record = Record(())  # the record of the schedule before this one stays as it is
        self._active, self._choice = set(self.part.before), APPROVE
        yield
        self._active, self._choice = kept

    def _prepared_run(self, number: int) -> Mapping[str, TaskInstance]:
        return self.execute_before(DagRun(self.graph, planned_of(self.part, number), self.clock.now), number)

    def execute_before(self, run: DagRun, number: int) -> Mapping[str, TaskInstance]:
        """Execute the tasks of a run before the part, and return those that no schedule executes again."""
        self.add(run)
        while any(state != "success" for state in run.states(self.part.before)):
            if not self.step(run):
                states = {one: run.states([one]) for one in self.part.before}
                raise RuntimeError(f"The tasks before the part {self.part.name} did not succeed: {states}.")
        if self.part.promotion:
            write_report(run.graph.dag, run, wins=self.part.promotion.wins or number in CHAMPION_RUNS)
        return {task.label: task.copy() for task in run.tasks.values() if task.task_id in self._prepared}

    @property
    def _prepared(self) -> set[str]:
        """The tasks that no run of a schedule executes again."""
        report = ["report"] if self.part.promotion else []
        return {*self.part.before, *report} - set(self.part.tasks)

    def _promote_earlier(self) -> None:
        """Let earlier runs promote the champions that the schedules find."""
        rows = self.part.promotion.champions if self.part.promotion else ()
        for number, first_row in zip(CHAMPION_RUNS, rows, strict=False):
            write_use_case(self.folder, self.part, first_row=first_row)
            self._active = set(self.part.before)
            tasks = self._prepared_run(number)
            self._active |= {*self.part.tasks}
            self.finish(self._start(number, tasks))
            if self._record.ended[-1] != "success" or not any("/champions/" in uri for uri in self._objects()):
                raise RuntimeError(f"The earlier run has not promoted its model: {self._record.ended}.")
        write_use_case(self.folder, self.part)
        self.api.runs, self._active = {}, set(self.part.before)
        self.clock.sleep(DAY)

    def run(self, faults: Sequence[Fault]) -> Record:
        """Run one schedule to its end."""
        account, self.clock.now = self.neighbours.first_state(faults)
        self.account.restore(account)
        self.wire.reset({fault.at: fault for fault in faults})
        self.wire.meets_others = self.part in MEETING
        self._record = Record.of(self.part, self._objects(), self.first.expected, faults)
        self.api.runs = {run.run_id: run.copy() for run in self.first.past}
        for number in range(1, len(faults) + 2):
            self.finish(self._start(number, self.first.runs[number - 1]))
            self.neighbours.go_on()
            if self._record.ended[-1] == "success":
                break
            self.clock.sleep(self.part.next_run_seconds)
        self.neighbours.recover()
        self.wire.meets_others = False
        self.sweeper.sweep(self._record, self._go_on)
        self._record.met += overshadowed(self._record, self.wire)
        self._record.calls = self.wire.calls
        self._record.objects, self._record.served = self._objects(), self.account.served
        self.neighbours.judge_apart(self._record)
        return self._record

    def _objects(self) -> dict[str, bytes]:
        stored = self.account.objects.objects.items()
        return {f"s3://{name}/{key}": one.body for name, of in stored for key, one in of.items()}

    # One run

    def _start(self, number: int, tasks: Mapping[str, TaskInstance]) -> DagRun:
        return self.add(DagRun(self.graph, planned_of(self.part, number), self.clock.now, tasks))

    def add(self, run: DagRun) -> DagRun:
        """Add a run to Airflow's database."""
        self.api.runs[run.run_id] = run
        self._record.started.setdefault(run.run_id, self.clock.now)
        return run

    def finish(self, run: DagRun) -> None:
        """Let Airflow go on until the run has ended, and record the end."""
        self._record.ended.append(self._go_on(run))
        self._record.runs.append(run.run_id)
        self._record.ledgers.append(self.account.ledger)
        if self.neighbours.awaited(run):
            self._record.shared.append(run.run_id)

    def _go_on(self, run: DagRun) -> str:
        """Let Airflow go on until the run has ended. Return the state in which it has ended."""
        for _ in range(MAX_STEPS):
            run = self.api.runs[run.run_id]
            if not self.step(run):
                break
        run = self.api.runs[run.run_id]
        return run.state if run.end_if_over() else "stuck"

    def step(self, run: DagRun) -> bool:
        """Do the next thing that Airflow does. Return whether anything is left to do."""
        self._skip_passive(run)
        if run.end_if_over():
            return False
        tasks = run.tasks.values()
        if task := next((one for one in tasks if one.state == "scheduled"), None) or next(iter(run.ready()), None):
            if run.must_expand(task):
                run.expand(task)
            else:
                self._attempt(run, task)
        elif task := next((one for one in tasks if one.state == "deferred"), None):
            self._wait(run, task)
        elif task := next((one for one in tasks if one.state == "awaiting_input"), None):
            self._record.choices.append(answer_question(task, self._choice, self.clock))
        elif task := min(
            (one for one in tasks if one.state == "up_for_retry"), key=lambda one: one.retry_at, default=None
        ):
            self._record.reached.add("retried")
            self.clock.sleep(task.retry_at - self.clock.now)
            task.state = None
        else:
            return False
        return True

    def _skip_passive(self, run: DagRun) -> None:
        while passive := [one for one in run.ready() if one.task_id not in self._active]:
            for task in passive:
                task.state = "success"

    def _attempt(self, run: DagRun, task: TaskInstance) -> None:
        run.start(task)
        self._began, self._is_resumed = len(self.wire.calls), task.next_method is not None
        if not self._is_resumed:
            self._record.attempts[run.run_id, task.label] += 1
            act_meanwhile(self, task.task_id, self._record.attempts)
        met = self.worker.run_task(run, task)
        self._see_recorded(met.at if met and met.kind in (Kind.KILLED_BEFORE, Kind.DEAD_TRIGGERER, *OTHERS) else None)
        was_killed = task.state == "killed"
        if was_killed:
            task.state = "running"
            self._record.reached.add("killed")
        if met is not None:
            self._act(run, task, met)
        if was_killed and task.state == "running":  # nobody has taken the task from the dead process
            run.process_died(task, self.clock.now)

    def _see_recorded(self, unsent: int | None) -> None:
        own = self.wire.calls[self._began :]  # and those of another run in between
        sent = {call.what for call in own if call.number != unsent and call.run_id == own[0].run_id}
        self._is_recorded = self._is_resumed or "SetXCom" in sent

    def _let_pass(self, fault: Fault) -> bool:
        """Let another run take place. Return whether the run of the process is still in Airflow's database."""
        run = self.api.runs[self.wire.process.run_id]
        self._record.crossed.append((fault, self.wire.calls[fault.at]))
        record = Record.of(self.part, self._record.first_objects, self.first.expected)
        contextvars.copy_context().run(self.neighbours.pass_by, fault, record)
        self.wire.meets_others = False  # a schedule has one other run
        return self.api.runs.get(run.run_id) is run

    @contextmanager
    def aside(self, record: Record) -> Iterator[None]:
        """Let another run go on inside the block, while the present process is between two calls."""
        kept = self.api.running, self._record, self._began, self._is_resumed, self._is_recorded, self.wire.meets_others
        self._record, self.wire.meets_others = record, False
        try:
            with self.worker.aside():
                yield
        finally:
            running, self._record, self._began, self._is_resumed, self._is_recorded, self.wire.meets_others = kept
            self.api.running = running

    def _while_asleep(self, fault: Fault) -> None:
        """Let Airflow take a process for dead, and go on without it, until the process continues."""
        before = self.api.running
        if before is None:
            raise RuntimeError("A process without a task cannot be taken for dead.")
        self._record.reached.add("two copies")
        self._see_recorded(fault.at)
        self.clock.sleep(HEARTBEAT_TIMEOUT_SECONDS)
        contextvars.copy_context().run(self._go_on_without, *before, fault)
        self.api.running = before

    def _go_on_without(self, run: DagRun, task: TaskInstance, fault: Fault) -> None:
        self._act(run, task, fault)
        if task.state == "running":  # nobody has taken the task from the process that sleeps
            run.process_died(task, self.clock.now)
        for _ in range(MAX_STEPS):
            run = self.api.runs[run.run_id]
            same = [one for one in run.instances[task.task_id] if one.map_index == task.map_index]
            has_run_again = any(one.state in (*ENDED, "deferred") for one in same)
            if (has_run_again and fault.kind is not Kind.OUTLIVED) or not self.step(run):
                return

    def _wait(self, run: DagRun, task: TaskInstance) -> None:
        met, trigger = self.worker.run_trigger(run, task)
        self._is_recorded = True
        self._record.reached.add("deferred")
        is_waiting = task.state == "deferred"
        if met is None:
            return
        is_taken = self._act(run, task, met)
        if not is_waiting:
            return
        if not is_taken:
            self._record.reached.add("trigger lost")
        elif trigger is not None:
            self._record.reached.add("on_kill")
            disturbed = self.worker.kill_trigger(trigger)
            if disturbed:
                self._met(disturbed)
            elif met.way is Way.MARK_FAILED and not self.neighbours.awaited(run, task.task_id):
                self._record.after_mark.append(self.account.ledger)

    def _met(self, fault: Fault) -> None:
        self._record.met.append((fault, self.wire.calls[fault.at]))

    def _act(self, run: DagRun, task: TaskInstance, fault: Fault) -> bool:
        """Do what a person does. Return whether the task was taken from its process or trigger."""
        way = fault.way
        self._met(fault)
        has_failed = way is Way.MARK_FAILED and task.state in ("up_for_retry", "failed")
        if has_failed or (way in (Way.MARK_FAILED, Way.MARK_RUN_FAILED) and not self._is_recorded):
            self._record.unseen_marks.append(run.run_id)
        self._record.reached.add(str(way))
        graph = run.graph
        if way is Way.RETRY:
            return False
        if way is Way.CLEAR:
            run.clear(graph.cleared_with(task.task_id, downstream=False), only=task)
        elif way is Way.CLEAR_DOWNSTREAM:
            run.clear(graph.cleared_with(task.task_id, downstream=True), only=task)
        elif way is Way.CLEAR_RUN:
            run.clear(set(graph.nodes) - self._prepared)
        elif way in (Way.MARK_FAILED, Way.MARK_SUCCESS):
            run.mark(task, "failed" if way is Way.MARK_FAILED else "success")
        elif way is Way.MARK_RUN_FAILED:
            run.mark_failed()
        else:
            self._lose_metadata(run)
        return True

    def _lose_metadata(self, run: DagRun) -> None:
        lost = [one for one in self.api.runs.values() if one is run or one.state == "running"]
        self.api.runs.clear()
        for one in lost:
            self.api.runs[one.run_id] = one.again(self.clock.now)


@contextmanager
def open_world(folder: Path, part: Part, first: FirstState | None = None) -> Iterator[World]:
    """
    Open a simulated installation.

    :param folder: an empty folder, which the pipeline may read.
    :param first: the first state of the schedules, from a world of the same part; ``None`` to compute it.
    """
    with ExitStack() as stack:
        stack.enter_context(small_batches())
        world = World(folder, part)
        stack.callback(world.close)
        stack.enter_context(virtual_time(world.clock))
        stack.enter_context(world.wire.connected())
        stack.enter_context(computed_once())
        stack.enter_context(one_thread(world.clock))
        stack.enter_context(settle_without_real_time(world.clock))
        stack.enter_context(patch.object(task_runner, "SUPERVISOR_COMMS", world.api, create=True))
        stack.enter_context(world.worker.repeatable.connected())
        stack.enter_context(world.worker.calls.connected())
        world.prepare(first)
        yield world
