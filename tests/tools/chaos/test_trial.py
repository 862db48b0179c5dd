"""A trial counts what its case bought, kills the right processes, and reports unexpected states."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools.chaos.control import TaskState
from tools.chaos.stack import kill
from tools.chaos.trial import BreachError, Case, Trial, Victim
from tools.local_airflow.process_table import descendants, is_running
from tools.local_airflow.processes import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
WORKER = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])", *SLEEP]


class FakeStack:
    """A stack with one ended run of one task. The test sets the ledger and the task."""

    def __init__(
        self,
        *,
        jobs: int = 1,
        alive: bool = False,
        deployments: int = 0,
        deployed: bool = False,
        calls: int = 1,
        pid: int | None = None,
    ) -> None:
        self.account = self.metadata = self.operator = self
        self._alive, self._calls, self._pid = alive, calls, pid
        self._jobs = [{"name": f"c01-tuned-{number}", "status": "Completed"} for number in range(jobs)]
        self._deployments = [{"name": f"c01-tuned-s{n}", "alive": deployed, "arn": f"d{n}"} for n in range(deployments)]
        self.triggered: list[tuple[str, str]] = []
        self.faults: list[dict[str, Any]] = []

    def start(self, dag_id: str, run_id: str) -> None:
        self.triggered.append((dag_id, run_id))

    def wait_for_end(self, dag_id: str, run_id: str, seconds: float, *, pause: float) -> str:
        return "success"

    def ledger(self) -> dict[str, Any]:
        documents = {hashlib.sha256(b"a document").hexdigest()[:16]: self._calls}
        return {
            "jobs": self._jobs,
            "batch_jobs": [],
            "throughputs": [{"name": "c01-tuned-s1", "alive": self._alive, "arn": "t1"}],
            "deployments": self._deployments,
            "by_document": documents,
        }

    def fired_by_rule(self) -> dict[tuple[str, str], int]:
        return {}

    def add_fault(self, **rule: Any) -> None:
        self.faults.append(rule)

    def fired(self, match: str, operation: str) -> int:
        return sum((rule["match"], rule["operation"]) == (match, operation) for rule in self.faults)

    def progress(self, dag_id: str) -> list[str]:
        return []

    def task(self, dag_id: str, run_id: str, task_id: str) -> TaskState:
        return TaskState(task_id, -1, "running" if self._pid else "success", self._pid, 1)


def trial(stack: FakeStack) -> Trial:
    case = Case("a case", lambda _: None, key="c01", documents=["a document"])
    return Trial(case, stack, None)  # type: ignore[arg-type]


def test_a_run_has_a_number_and_the_dag_of_its_case() -> None:
    stack = FakeStack()
    trial(stack).start_run(2)
    assert stack.triggered == [("distill_c01", "chaos__run-2")]


@pytest.mark.parametrize(
    ("stack", "ok"),
    [
        pytest.param(FakeStack(), True, id="as expected"),
        pytest.param(FakeStack(jobs=2), False, id="bought twice"),
        pytest.param(FakeStack(alive=True), False, id="left billed"),
        pytest.param(FakeStack(deployments=1), False, id="deployed in addition"),
        pytest.param(FakeStack(calls=2), False, id="an answer paid twice"),
    ],
)
def test_a_row_is_ok_only_when_everything_is_as_expected(stack: FakeStack, ok: bool) -> None:
    tested = trial(stack)
    tested.expect()
    assert [row.ok for row in tested.rows] == [ok]


@pytest.mark.parametrize(("deployed", "ok"), [(False, True), (True, False)])
def test_a_deployment_that_still_exists_counts_as_alive(deployed: bool, ok: bool) -> None:
    tested = trial(FakeStack(deployments=1, deployed=deployed))
    tested.expect(deployments=1)
    (row,) = tested.rows
    assert (row.ok, row.deployments, row.expected_deployments, row.alive_at_end) == (ok, 1, 1, int(deployed))


def test_the_newest_endpoint_is_the_one_to_be_deleted() -> None:
    assert trial(FakeStack()).endpoint_arn == "t1"
    assert trial(FakeStack(deployments=2)).endpoint_arn == "d1"


def test_only_the_answers_to_one_row_are_delayed_and_awaited() -> None:
    stack = FakeStack()
    tested = trial(stack)
    tested.case.documents = ["Service c01 keeps one queue. It is empty.", "Service c01 keeps one table."]
    tested.hold_answer()
    tested.hold_answer(8)
    tested.wait_answer_held()
    assert [(rule["match"], rule["times"], rule["seconds"]) for rule in stack.faults] == [
        ("Service c01 keeps one queue", 1, 90.0),
        ("Service c01 keeps one queue", 1, 8),
    ]


def test_a_run_that_ends_in_another_state_is_not_ok() -> None:
    tested = trial(FakeStack())
    tested.expect(state="failed")
    assert (tested.rows[0].ok, tested.rows[0].state, tested.rows[0].expected_state) == (False, "success", "failed")


def test_a_script_that_fails_leaves_a_row_with_the_error() -> None:
    tested = trial(FakeStack())
    tested.breach(BreachError("the instant was missed"))
    assert (tested.rows[0].ok, tested.rows[0].jobs) == (False, 1)
    assert tested.rows[0].note == "BreachError: the instant was missed"


def test_a_script_that_fails_leaves_a_row_even_when_the_simulator_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> dict[str, Any]:
        raise httpx.ConnectError("connection refused")

    stack = FakeStack()
    monkeypatch.setattr(stack, "ledger", fail)
    tested = trial(stack)
    tested.breach(httpx.ConnectError("connection refused"))
    assert (tested.rows[0].ok, tested.rows[0].note) == (False, "ConnectError: connection refused")


def test_a_task_without_a_process_cannot_be_killed() -> None:
    with pytest.raises(BreachError, match=r"tuned.submit has no process to kill: its state is success"):
        trial(FakeStack()).kill_task("tuned.submit")


def test_a_case_without_a_shared_fault_cannot_wait_for_one() -> None:
    with pytest.raises(BreachError, match="its phase has no shared fault"):
        trial(FakeStack()).take_shared_fault()


@pytest.mark.parametrize("victim", ["task", "worker", "both"])
def test_a_task_keeps_running_only_when_its_worker_alone_was_killed(victim: Victim) -> None:
    with subprocess.Popen(WORKER) as worker:
        wait_until(lambda: len(descendants(worker.pid)) == 1, "the task", 10)
        (task,) = descendants(worker.pid)
        tested = trial(FakeStack(pid=task))
        tested.kill_task("tuned.submit", victim)
        worker.wait(10)  # the process ends with its task at the latest
        wait_until(lambda: is_running(task) == (victim == "worker"), "the fate of the task", 10)
        kill(task)


def test_the_log_of_a_task_and_of_its_trigger_is_searched(tmp_path: Path) -> None:
    tested = trial(FakeStack())
    tested.start_run()
    tested.stack.layout = type("Layout", (), {"task_logs": tmp_path})  # type: ignore[assignment]
    folder = tmp_path / "dag_id=distill_c01" / "run_id=chaos__run-1" / "task_id=tuned.trained"
    folder.mkdir(parents=True)
    (folder / "attempt=1.log.trigger.7.log").write_text("the job stalls")
    assert tested.logged("tuned.trained", "stalls")
    assert not tested.logged("tuned.trained", "completed")


def test_a_task_is_watched_once_the_triggerer_that_claimed_its_trigger_has_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = "trigger distill_c01/chaos__run-1/tuned.trained/-1/1 (ID 4) starting"
    stack = FakeStack(pid=1)
    tested = trial(stack)
    tested.start_run()
    stack.layout = type("Layout", (), {"task_logs": tmp_path})  # type: ignore[attr-defined]
    folder = tmp_path / "dag_id=distill_c01" / "run_id=chaos__run-1" / "task_id=tuned.trained"
    folder.mkdir(parents=True)
    (folder / "attempt=1.log.trigger.7.log").write_text(started)  # by a triggerer that was killed
    claims = iter([None, (4, 8), (4, 8)])
    monkeypatch.setattr(stack, "claimed_trigger", lambda *_: next(claims), raising=False)
    log = folder / "attempt=1.log.trigger.8.log"
    checks: list[bool] = []

    def check_three_times(condition: Callable[[], bool], *_: Any) -> None:
        checks.extend([condition(), condition()])
        log.write_text(started)
        checks.append(condition())

    monkeypatch.setattr(tested, "wait", check_three_times)
    tested.wait_watched("tuned.trained")
    assert checks == [False, False, True]
