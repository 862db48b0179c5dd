"""Run one case: provide the actions and waits that its script uses, and write its rows in the table."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from tools.chaos.account import paid_again, purchases
from tools.chaos.control import ENDED
from tools.chaos.fixtures import TRAINING_ROWS
from tools.chaos.row import Row
from tools.chaos.shared_faults import SharedFault
from tools.chaos.stack import Stack, kill, wait_for, worker_of
from tools.local_airflow.process_table import is_running

# The longest wait without a change in the state of any task of the case. While states change, the machine is only slow.
RUN_SECONDS = 420.0
REACH_SECONDS = 300.0
SHARED_FAULT_SECONDS = 3600.0  # a case that fails leaves the group, and the others continue
RELEASE_SECONDS = 300.0
HELD_SECONDS = 90.0
ARRANGING_SECONDS = 8.0  # long enough for a case to arrange its next fault while an answer is delayed

JOB = "CreateModelCustomizationJob"
BATCH = "CreateModelInvocationJob"
EVALUATION = "CreateEvaluationJob"
OPTIMIZATION = "CreateAdvancedPromptOptimizationJob"
THROUGHPUT = "CreateProvisionedModelThroughput"
GET_JOB = "GetModelCustomizationJob"
GET_THROUGHPUT = "GetProvisionedModelThroughput"
DELETE_THROUGHPUT = "DeleteProvisionedModelThroughput"
DEPLOYMENT = "CreateCustomModelDeployment"
GET_DEPLOYMENT = "GetCustomModelDeployment"
UPDATE_DEPLOYMENT = "UpdateCustomModelDeployment"
DELETE_DEPLOYMENT = "DeleteCustomModelDeployment"
ANSWER = "Converse"
# These requests contain the ARN of an endpoint, but not its name.
BY_ARN = (DELETE_THROUGHPUT, UPDATE_DEPLOYMENT, DELETE_DEPLOYMENT)

Victim = Literal["task", "worker", "both"]


@dataclass
class Case:
    """
    A named case.

    :param script: the steps of the case. It calls :meth:`Trial.expect` at least once.
    :param changes: use-case sections that differ from those of other cases. The key ``tags`` selects a variant of the
        DAG.
    :param phase: ``together`` (in parallel), ``alone``, or the name of the fault that the case shares with others.
    :param training_rows: number of training rows of the case.
    :param buys: an arm or a step, such as ``tuned``. The name of everything that the case buys contains it.
    """

    name: str
    script: Callable[[Trial], None]
    changes: Mapping[str, Any] = field(default_factory=dict)
    phase: str = "together"
    key: str = ""
    buys: str = "tuned"
    documents: Sequence[str] = ()
    training_rows: int = TRAINING_ROWS


class BreachError(Exception):
    """A case went wrong in a way that the counts of purchases do not show."""


class Trial:
    """A case that runs on a stack. A method that waits raises an error if the event does not happen in time."""

    def __init__(self, case: Case, stack: Stack, shared_fault: SharedFault | None) -> None:
        self.case = case
        self.stack = stack
        self.rows: list[Row] = []
        self.shared_fault = shared_fault
        self.run_id = ""
        self.in_flight = 0
        self._copies: list[int] = []
        self._answers_held: Counter[str] = Counter()
        self._fired_before: Mapping[tuple[str, str], int] = {}
        self._began = time.monotonic()

    @property
    def dag_id(self) -> str:
        """The id of the case's own DAG."""
        return f"distill_{self.case.key}"

    @property
    def match(self) -> str:
        """A text that is in the name of everything that the case buys."""
        return f"{self.case.key}-{self.case.buys}-"

    @property
    def seconds(self) -> float:
        """How long the case has taken so far."""
        return round(time.monotonic() - self._began, 1)

    # Runs

    def start_run(self, number: int = 1) -> None:
        """Trigger a run whose id ends with ``number``. Later calls of the other methods refer to this run."""
        self.remember_faults()
        self.run_id = f"chaos__run-{number}"
        self.stack.operator.start(self.dag_id, self.run_id)

    def remember_faults(self) -> None:
        """Count only the faults from now on as fired in this run."""
        self._fired_before = self.stack.account.fired_by_rule()

    def finish(self) -> str:
        """Wait for the run to end and return its state."""
        return self.stack.wait_for_end(self.dag_id, self.run_id, RUN_SECONDS, pause=0.7)

    def wait(self, condition: Callable[[], object], what: str, seconds: float, *, pause: float = 0.25) -> None:
        """Wait for a condition. Each change of a task restarts the timeout."""
        wait_for(condition, what, seconds, pause=pause, progress=lambda: self.stack.metadata.progress(self.dag_id))

    # Instants

    def fault(self, operation: str, kind: str, *, match: str = "", **rule: Any) -> None:
        """
        Add a fault to an operation.

        :param match: the fault affects only requests that contain this text. By default, these are the requests for a
            purchase of the case.
        """
        match = match or self._match_of(operation)
        self.stack.account.add_fault(operation=operation, kind=kind, match=match, **rule)

    def _match_of(self, operation: str) -> str:
        return self.endpoint_arn if operation in BY_ARN else self.match

    def end_stalls(self) -> None:
        """Resume the stalled jobs and endpoints of the case."""
        self.stack.account.end_stalls(self.match)

    def hold(self, operation: str, *, seconds: float = HELD_SECONDS, after: int = 0, match: str = "") -> None:
        """Delay one response to an operation. The simulator carries out the operation itself without delay."""
        self.fault(operation, "timeout", match=match, times=1, seconds=seconds, after=after)

    def fired(self, operation: str, *, match: str = "") -> int:
        """Return how many times the faults on an operation have fired in this run."""
        match = match or self._match_of(operation)
        return self.stack.account.fired(match, operation) - self._fired_before.get((match, operation), 0)

    def wait_fired(self, operation: str, count: int = 1, *, match: str = "") -> None:
        """Wait until the faults on an operation have fired ``count`` times in this run."""
        what = f"fault {count} of {operation} in {self.case.key}"
        self.wait(lambda: self.fired(operation, match=match) >= count, what, REACH_SECONDS)

    def hold_answer(self, seconds: float = HELD_SECONDS, *, match: str = "") -> None:
        """
        Delay one answer.

        :param match: a text in the request. By default, the next answer to the first evaluation row is delayed.
        """
        match = match or self._first_row
        self._answers_held[match] += 1
        self.hold(ANSWER, seconds=seconds, match=match)

    def wait_answer_held(self, *, match: str = "") -> None:
        """Wait until all answers that :meth:`hold_answer` delays have been requested."""
        match = match or self._first_row
        account, count = self.stack.account, self._answers_held[match]
        self.wait(lambda: account.fired(match, ANSWER) >= count, f"held answer {count} to {match}", REACH_SECONDS)

    @property
    def _first_row(self) -> str:
        return self.case.documents[0].partition(".")[0]

    @property
    def endpoint_arn(self) -> str:
        """The ARN of the newest endpoint of the case. A request that deletes an endpoint contains only its ARN."""
        bought = self.bought()
        return str([*bought["throughputs"], *bought["deployments"]][-1]["arn"])

    def wait_watched(self, task_id: str) -> None:
        """
        Wait until a task is deferred and a triggerer runs its trigger.

        :raises BreachError: the task did not defer, because its job or throughput was ready too early.
        """
        metadata = self.stack.metadata

        def watched() -> bool:
            self.ensure(
                self.task_state(task_id) != "success",
                f"The task {task_id} did not wait, so the case missed its instant.",
            )
            claimed = metadata.claimed_trigger(self.dag_id, self.run_id, task_id)
            if claimed is None:
                return False
            trigger, triggerer = claimed
            # Airflow's own words, in the log that this triggerer writes for the task.
            return self.logged(task_id, f"(ID {trigger}) starting", log=f".trigger.{triggerer}.log")

        self.wait(watched, f"the deferral of {task_id} in {self.dag_id}", REACH_SECONDS)

    def wait_state(self, task_id: str, *states: str) -> None:
        """Wait until a task is in one of these states."""
        what = f"{task_id} in {self.dag_id} to be {' or '.join(states)}"
        self.wait(lambda: self.task_state(task_id) in states, what, REACH_SECONDS)

    def task_state(self, task_id: str) -> str | None:
        """Return the state of a task."""
        return self.stack.metadata.task(self.dag_id, self.run_id, task_id).state

    def bought(self) -> dict[str, Any]:
        """Return the training jobs and endpoints that this test case has bought so far."""
        return purchases(self.stack.account.ledger(), self.match)

    def wait_job(self, *statuses: str) -> str:
        """Wait until the newest job has one of these statuses, and return its ARN."""

        def has() -> bool:
            jobs = self.bought()["jobs"]
            return bool(jobs) and jobs[-1]["status"] in statuses

        self.wait(has, f"a job of {self.case.key} to be {' or '.join(statuses)}", REACH_SECONDS, pause=0.4)
        return str(self.bought()["jobs"][-1]["arn"])

    def wait_released(self) -> None:
        """Wait until no endpoint of the case exists any more."""
        self.wait(lambda: self.bought()["alive"] == 0, f"the release of endpoints in {self.case.key}", RELEASE_SECONDS)

    def wait_run(self, dag_id: str, run_id: str) -> None:
        """
        Wait for the end of a run of another DAG.

        :raises BreachError: the run failed.
        """
        metadata = self.stack.metadata
        self.wait(lambda: metadata.settled(dag_id, run_id), f"the end of {dag_id} {run_id}", RUN_SECONDS)
        self.ensure(metadata.settled(dag_id, run_id) == "success", f"{dag_id} {run_id} failed.")

    def logged(self, task_id: str, text: str, *, log: str = "") -> bool:
        """
        Return whether a text is in the log of a task or of its trigger in this run.

        :param log: the end of the names of the log files to read; all files if empty.
        """
        folder = self.stack.layout.task_logs / f"dag_id={self.dag_id}" / f"run_id={self.run_id}" / f"task_id={task_id}"
        logs = [path for path in folder.rglob(f"*{log}") if path.is_file()]
        return any(text in path.read_text(encoding="utf-8", errors="replace") for path in logs)

    def wait_logged(self, task_id: str, text: str) -> None:
        """Wait until a text is in the log of a task or of its trigger."""
        self.wait(lambda: self.logged(task_id, text), f"{text!r} in the log of {task_id}", REACH_SECONDS)

    # Recoveries

    def clear(self, task_id: str, *, downstream: bool = False) -> None:
        """Clear a task."""
        self.stack.operator.clear(self.dag_id, self.run_id, [task_id], downstream=downstream)

    def clear_run(self) -> None:
        """Clear all tasks of the run."""
        self.stack.operator.clear(self.dag_id, self.run_id, None)

    def mark(self, task_id: str, state: str = "failed") -> None:
        """Mark a task as failed or successful."""
        self.stack.operator.mark_task(self.dag_id, self.run_id, task_id, state)

    def mark_run(self, state: str = "failed") -> None:
        """Mark the run as failed or successful."""
        self.stack.operator.mark_run(self.dag_id, self.run_id, state)

    def kill_task(self, task_id: str, victim: Victim = "task") -> None:
        """
        Kill the processes of a running task with SIGKILL.

        :param victim: the task's own process, the worker that started it, or both. If only the worker is killed,
            the task keeps running while Airflow starts another copy of it.
        """
        task = self.stack.metadata.task(self.dag_id, self.run_id, task_id)
        if task.state != "running" or not task.pid:
            raise BreachError(f"{task_id} has no process to kill: its state is {task.state}.")
        pid, worker = task.pid, worker_of(task.pid)
        if victim == "task":
            kill(pid)
        elif victim == "both":  # kill the worker first, before it can report the task's death
            kill(worker)
            kill(pid)
        else:
            kill(worker)
            time.sleep(1)
            self.ensure(is_running(pid), f"The copy of {task_id} died immediately, so two copies never ran at once.")
            self._copies.append(pid)

    def wait_for_copies(self) -> None:
        """Wait until the old copies of tasks, which kept running after a kill or a shared fault, have ended."""
        self.wait(lambda: not any(map(is_running, self._copies)), "the end of the other copy", RUN_SECONDS)

    def take_shared_fault(self) -> None:
        """Wait until the fault that the case shares with others has been injected."""
        if self.shared_fault is None:
            raise BreachError("The case waits for a shared fault, but its phase has no shared fault.")
        running = self.stack.metadata.tasks(self.dag_id, self.run_id)
        self._copies += [task.pid for task in running if task.pid and task.state == "running"]
        self.shared_fault.arrive(SHARED_FAULT_SECONDS)

    # Expectations

    def ensure(self, condition: bool, breach: str) -> None:
        """
        Raise an error if a condition is false.

        :raises BreachError: the condition is false; ``breach`` is the message.
        """
        if not condition:
            raise BreachError(breach)

    def expect(
        self,
        *,
        jobs: int = 1,
        throughputs: int = 1,
        deployments: int = 0,
        state: str | None = "success",
        name: str = "",
        note: str = "",
    ) -> None:
        """
        Wait for the run to end, count what was bought, and write the row.

        :param state: the expected final state of the run. With None, the row is written without waiting for the end.
        """
        ended = self.finish() if state in ENDED else state or ""
        ledger = self.stack.account.ledger()
        bought = purchases(ledger, self.match)
        repaid = paid_again(ledger, self.case.documents)
        expected = (jobs, throughputs, deployments)
        as_expected = _counts(bought) == expected and bought["alive"] == 0 and repaid <= self.in_flight
        ok = as_expected and ended == (state or "")
        self.rows.append(
            self._row(
                bought,
                name,
                expected=expected,
                repaid=repaid,
                ok=ok,
                state=ended,
                expected_state=state or "",
                note=note,
            )
        )

    def breach(self, error: BaseException) -> None:
        """Add a row to the table for a case whose script failed. The note in the row is the error."""
        try:
            bought = self.bought()
        except httpx.HTTPError:  # the simulator itself may have failed
            bought = {"jobs": [], "throughputs": [], "deployments": [], "alive": 0}
        self.rows.append(self._row(bought, note=f"{type(error).__name__}: {error}"))

    def _row(
        self,
        bought: Mapping[str, Any],
        name: str = "",
        *,
        expected: tuple[int, int, int] = (0, 0, 0),
        repaid: int = 0,
        ok: bool = False,
        state: str = "",
        expected_state: str = "",
        note: str = "",
    ) -> Row:
        jobs, throughputs, deployments = _counts(bought)
        return Row(
            name or self.case.name,
            jobs,
            throughputs,
            expected_jobs=expected[0],
            expected_throughputs=expected[1],
            alive_at_end=bought["alive"],
            repaid=repaid,
            in_flight=self.in_flight,
            ok=ok,
            state=state,
            expected_state=expected_state,
            seconds=self.seconds,
            note=note,
            deployments=deployments,
            expected_deployments=expected[2],
        )


def _counts(bought: Mapping[str, Any]) -> tuple[int, int, int]:
    return len(bought["jobs"]), len(bought["throughputs"]), len(bought["deployments"])
