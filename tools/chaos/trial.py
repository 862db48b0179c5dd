"""One case at work: what it does to its run, and the row that comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tools.chaos.account import paid_again, purchases
from tools.chaos.control import ENDED
from tools.chaos.strikes import Strike
from tools.chaos.world import World, kill, kill_with_supervisor, supervisor_of, wait_for
from tools.local_airflow.process_table import is_running

# Patience while nothing moves in the case's runs; as long as something does, the machine is only slow.
RUN_SECONDS = 420.0
REACH_SECONDS = 300.0
STRIKE_SECONDS = 3600.0  # a case that fails leaves, and the others go on
RELEASE_SECONDS = 300.0
HELD_SECONDS = 90.0

JOB = "CreateModelCustomizationJob"
BATCH = "CreateModelInvocationJob"
THROUGHPUT = "CreateProvisionedModelThroughput"
GET_JOB = "GetModelCustomizationJob"
GET_THROUGHPUT = "GetProvisionedModelThroughput"


@dataclass(frozen=True)
class Row:
    """What is written of a case, to the contract of ``.local/chaos.json``."""

    name: str
    jobs: int
    throughputs: int
    expected_jobs: int
    expected_throughputs: int
    alive_at_end: int
    repaid: int
    in_flight: int
    ok: bool
    state: str = ""
    expected_state: str = ""
    seconds: float = 0.0
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the row as it is stored."""
        return asdict(self)


@dataclass
class Case:
    """
    A named case.

    :param script: what happens; it ends in one or more expectations.
    :param changes: what its use case has otherwise than the others; ``tags`` names variants of the DAG.
    :param buys: the arm, or the step, that stands in the names of what is bought.
    :param phase: ``together`` with all others, with those that take the same blow, or ``alone``.
    """

    name: str
    script: Callable[[Trial], None]
    changes: Mapping[str, Any] = field(default_factory=dict)
    phase: str = "together"
    key: str = ""
    buys: str = "tuned"
    documents: Sequence[str] = ()


class BreachError(Exception):
    """Something was otherwise than a case expects, in a way that no count shows."""


class Trial:
    """A case in a world. Methods wait for what they name, and raise when it does not come."""

    def __init__(self, case: Case, world: World, strike: Strike | None) -> None:
        self.case = case
        self.world = world
        self.rows: list[Row] = []
        self.strike = strike
        self.run_id = ""
        self.in_flight = 0
        self._copies: list[int] = []
        self._began = time.monotonic()

    @property
    def dag_id(self) -> str:
        """The case's own DAG."""
        return f"distill_{self.case.key}"

    @property
    def match(self) -> str:
        """What every name that the case buys begins with."""
        return f"{self.case.key}-{self.case.buys}-"

    # Runs

    def night(self, number: int = 1) -> None:
        """Trigger the run of a night; all that follows is about it."""
        self.run_id = f"chaos__night-{number}"
        self.world.engineer.start(self.dag_id, self.run_id)

    def finish(self) -> str:
        """Wait for the run to end and return its state."""
        found: list[str] = []

        def ended() -> bool:
            state = self.world.metadata.settled(self.dag_id, self.run_id)
            found.append(state or "")
            return len(found) > 1 and found[-1] == found[-2] != ""

        self._wait(ended, f"The end of {self.dag_id} {self.run_id} ({self._states()})", RUN_SECONDS, pause=0.7)
        return found[-1]

    def _wait(self, condition: Callable[[], object], what: str, seconds: float, *, pause: float = 0.25) -> None:
        wait_for(condition, what, seconds, pause=pause, moving=lambda: self.world.metadata.moves(self.dag_id))

    def _states(self) -> str:
        return self.world.metadata.run_state(self.dag_id, self.run_id) or "no run"

    # Instants

    def fault(self, operation: str, kind: str, **rule: Any) -> None:
        """Add a fault on what this case asks."""
        self.world.account.fail(operation=operation, kind=kind, match=self.match, **rule)

    def end_stalls(self) -> None:
        """Let what the case has stalled go on."""
        self.world.account.end_stalls(self.match)

    def hold(self, operation: str, *, seconds: float = HELD_SECONDS, after: int = 0) -> None:
        """Have one answer to an operation come late; what was asked for is done at once."""
        self.fault(operation, "timeout", times=1, seconds=seconds, after=after)

    def wait_fired(self, operation: str, count: int = 1) -> None:
        """Wait until faults on an operation have hit."""
        what = f"{operation} of {self.case.key}, fault {count}"
        account = self.world.account
        self._wait(lambda: account.fired(self.match, operation) >= count, what, REACH_SECONDS)

    def wait_watched(self, task_id: str) -> None:
        """Wait until a task is deferred and a triggerer looks after it.

        :raises BreachError: it ended without that, because what it waits for was there too early.
        """
        metadata = self.world.metadata

        def watched() -> bool:
            self.ensure(
                self.task_state(task_id) != "success", f"{task_id} did not have to wait: the instant is missed."
            )
            return metadata.is_watched(self.dag_id, self.run_id, task_id)

        self._wait(watched, f"{self.dag_id} {task_id} deferred", REACH_SECONDS)
        time.sleep(3)  # taken up is not yet started

    def wait_state(self, task_id: str, *states: str) -> None:
        """Wait until a task is in one of these states."""
        what = f"{self.dag_id} {task_id} {states}"
        self._wait(lambda: self.task_state(task_id) in states, what, REACH_SECONDS)

    def task_state(self, task_id: str) -> str | None:
        """Return the state of a task."""
        return self.world.metadata.task(self.dag_id, self.run_id, task_id).state

    def bought(self) -> dict[str, Any]:
        """Return what the case has bought so far."""
        return purchases(self.world.account.ledger(), self.match)

    def wait_job(self, *statuses: str) -> str:
        """Wait until the newest job has one of these statuses, and return its ARN."""

        def has() -> bool:
            jobs = self.bought()["jobs"]
            return bool(jobs) and jobs[-1]["status"] in statuses

        self._wait(has, f"A job of {self.case.key} {statuses}", REACH_SECONDS, pause=0.4)
        return str(self.bought()["jobs"][-1]["arn"])

    def wait_released(self) -> None:
        """Wait until nothing that the case bought is billed by the hour."""
        self._wait(lambda: self.bought()["alive"] == 0, f"The release for {self.case.key}", RELEASE_SECONDS)

    def wait_run(self, dag_id: str, run_id: str) -> None:
        """Wait for the end of a run of another DAG.

        :raises BreachError: it failed.
        """
        metadata = self.world.metadata
        self._wait(lambda: metadata.settled(dag_id, run_id), f"The end of {dag_id} {run_id}", RUN_SECONDS)
        self.ensure(metadata.settled(dag_id, run_id) == "success", f"{dag_id} {run_id} failed.")

    def logged(self, task_id: str, text: str) -> bool:
        """Tell whether a task, or its trigger, has logged a text in this run."""
        folder = self.world.layout.task_logs / f"dag_id={self.dag_id}" / f"run_id={self.run_id}" / f"task_id={task_id}"
        logs = [path for path in folder.rglob("*") if path.is_file()]
        return any(text in path.read_text(encoding="utf-8", errors="replace") for path in logs)

    def wait_logged(self, task_id: str, text: str) -> None:
        """Wait until a task, or its trigger, has logged a text."""
        self._wait(lambda: self.logged(task_id, text), f"{text!r} in the log of {task_id}", REACH_SECONDS)

    # Ways back

    def clear(self, task_id: str, *, downstream: bool = False) -> None:
        """Clear a task."""
        self.world.engineer.clear(self.dag_id, self.run_id, [task_id], downstream=downstream)

    def clear_run(self) -> None:
        """Clear all tasks of the run."""
        self.world.engineer.clear(self.dag_id, self.run_id, None)

    def mark(self, task_id: str, state: str = "failed") -> None:
        """Mark a task by hand."""
        self.world.engineer.mark_task(self.dag_id, self.run_id, task_id, state)

    def mark_run(self, state: str = "failed") -> None:
        """Mark the run by hand."""
        self.world.engineer.mark_run(self.dag_id, self.run_id, state)

    def kill_task(self, task_id: str, how: str = "task") -> None:
        """SIGKILL a running task: its process, with its supervisor, or the supervisor alone (a copy lives on)."""
        pid = self._pid(task_id)
        if how == "task":
            kill(pid)
        elif how == "worker":
            kill_with_supervisor(pid)
        else:
            kill(supervisor_of(pid))
            time.sleep(1)
            self.ensure(pid is not None and is_running(pid), f"The copy of {task_id} died at once.")
            self._copies.append(pid or 0)

    def wait_for_copies(self) -> None:
        """Wait until the copies that were left running have ended, in whatever way."""
        self._wait(lambda: not any(map(is_running, self._copies)), "The end of the other copy", RUN_SECONDS)

    def _pid(self, task_id: str) -> int | None:
        task = self.world.metadata.task(self.dag_id, self.run_id, task_id)
        if task.state != "running" or not task.pid:
            raise BreachError(f"{task_id} has no process to kill: it is {task.state}.")
        return task.pid

    def take_strike(self) -> None:
        """Wait for the blow that several cases take at once."""
        if self.strike is None:
            raise BreachError("This case has no strike to take.")
        running = self.world.metadata.tasks(self.dag_id, self.run_id)
        self._copies += [task.pid for task in running if task.pid and task.state == "running"]
        self.strike.arrive(STRIKE_SECONDS)

    # Expectations

    def ensure(self, condition: bool, breach: str) -> None:
        """See that something holds.

        :raises BreachError: it does not; says what was expected.
        """
        if not condition:
            raise BreachError(breach)

    def expect(
        self, *, jobs: int = 1, throughputs: int = 1, state: str | None = "success", name: str = "", note: str = ""
    ) -> None:
        """Wait for the run to end, count, and write the row; ``state`` None does not wait."""
        ended = self.finish() if state in ENDED else state or ""
        ledger = self.world.account.ledger()
        bought = purchases(ledger, self.match)
        repaid = paid_again(ledger, self.case.documents)
        counts = (len(bought["jobs"]), len(bought["throughputs"]))
        as_expected = counts == (jobs, throughputs) and bought["alive"] == 0 and repaid <= self.in_flight
        row = Row(
            name or self.case.name,
            *counts,
            jobs,
            throughputs,
            bought["alive"],
            repaid,
            self.in_flight,
            as_expected and ended == (state or ""),
            state=ended,
            expected_state=state or "",
            seconds=round(time.monotonic() - self._began, 1),
            note=note,
        )
        self.rows.append(row)

    def breach(self, error: BaseException) -> None:
        """Write the row of a case that did not come to its end."""
        try:
            bought = self.bought()
        except OSError:
            bought = {"jobs": [], "throughputs": [], "alive": 0}
        counts = (len(bought["jobs"]), len(bought["throughputs"]))
        note = f"{type(error).__name__}: {error}"
        seconds = round(time.monotonic() - self._began, 1)
        row = Row(self.case.name, *counts, 0, 0, bought["alive"], 0, 0, ok=False, seconds=seconds, note=note)
        self.rows.append(row)
