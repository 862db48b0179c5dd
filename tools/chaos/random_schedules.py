"""
Disturb runs of the whole DAG with random kills, recover the runs as the runbook says, and check their results.

The result of each run must be the same as that of a run without kills. The runs are spread over lanes, and the lanes
work at the same time. Each lane has its own simulated account, but all lanes share one Airflow. A killed service
therefore affects the runs of all lanes. Each run has its own random schedule of kills. ``--walks`` sets the number of
these runs.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import yaml

from include.distill.config.layout import RunFolder, run_uri
from include.distill.config.sections import FanOut
from include.distill.core.naming import run_key
from include.distill.core.paths import PROJECT_ROOT
from tools.chaos.account import purchases
from tools.chaos.control import TaskState
from tools.chaos.fixtures import quick_use_case, root_of
from tools.chaos.row import Row
from tools.chaos.runner import Table, run_case
from tools.chaos.stack import SERVICES, Stack, in_parallel, kill, wait_for
from tools.chaos.trial import RUN_SECONDS, Case

KILLS = 2
MAX_RECOVERIES = 5
TASKS = 19  # number of tasks that have ended at the end of an undisturbed run
ROWS = 4
EVALUATION_ROWS = 2
FAN_OUT = FanOut(max_tasks=2, evaluation_tasks=1, concurrency=2)
SAMPLE = PROJECT_ROOT / "include" / "data" / "aws_docs_qa"
RUN_ID = "chaos__walk"
# How many items one task works on. A judge compares the answers to each evaluation row in both orders.
ITEMS_OF_A_TASK = {
    "synthesize": ROWS // FAN_OUT.max_tasks,
    "base.answer": EVALUATION_ROWS,
    "tuned.answer": EVALUATION_ROWS,
    "judge.claude-haiku-4-5": 2 * EVALUATION_ROWS,
}
# The runs use these ways of serving in turn. Because ``max_hours`` is so short, ``auto`` chooses throughput.
WAYS: tuple[dict[str, Any], ...] = (
    {"serving": {"mode": "provisioned"}},
    {"serving": {"mode": "on_demand"}, "promotion": {"serve": "on_demand"}},
    {"serving": {"mode": "auto", "max_hours": 1e-6}},
)
CREATE = ("tuned.provision", "tuned.deploy")
SERVED = ("tuned.in_service", "tuned.active", "tuned.answer", "tuned.release", "tuned.undeploy", *CREATE)
# Two runs must have the same verdict and counts. Names, times, dollars and the last digits of a loss may differ.
COUNTS = ("documents", "requested", "accepted", "rejected", "missing", "surplus")
ARM = ("name", "kind", "records", "job_status", "released")
COMPARISON = ("judge", "candidate", "baseline", "n", "wins", "losses", "ties", "unparsable")


@dataclass(frozen=True)
class Kill:
    """
    One kill of a schedule.

    :param victim: a service of Airflow, or ``task`` for a task that is running at that time.
    :param after_tasks: number of tasks of the run that must have ended before the kill.
    :param delay: seconds to wait after these tasks have ended.
    """

    victim: str
    after_tasks: int
    delay: float


@dataclass
class DisturbedRun:
    """
    A run of the whole DAG and its schedule of kills. The run with an empty schedule is the reference.

    :param on_demand: True if the run serves its model by a deployment, False if by provisioned throughput.
    :param recoveries: number of times that tasks had to be cleared.
    :param served_again: number of recoveries that had to start the endpoint again.
    :param killed: the services and tasks that were actually killed.
    """

    key: str
    kills: list[Kill]
    lane: int = 0
    on_demand: bool = False
    recoveries: int = 0
    served_again: int = 0
    killed: list[str] = field(default_factory=list)

    @property
    def dag_id(self) -> str:
        """The id of the run's own DAG."""
        return f"distill_{self.key}"


def draw_schedules(count: int, seed: int) -> list[DisturbedRun]:
    """Generate ``count`` schedules from a seed. A higher count gives the same schedules, followed by more."""
    return [DisturbedRun(f"w{number:02}", _draw_kills(f"{seed}/{number}")) for number in range(1, count + 1)]


def _draw_kills(seed: str) -> list[Kill]:
    rng, victims = random.Random(seed), (*SERVICES, "task")
    kills = [Kill(rng.choice(victims), rng.randrange(TASKS - 1), rng.uniform(0, 3)) for _ in range(KILLS)]
    return sorted(kills, key=lambda kill: kill.after_tasks)


def comparable(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a report that must not depend on the disturbances of the run."""
    return {
        "verdict": report["verdict"],
        "source": report["source"],
        "synthesis": {name: report["synthesis"][name] for name in COUNTS},
        "arms": [{name: _rounded(arm.get(name)) for name in ARM} for arm in report["arms"]],
        "comparisons": [{name: pair.get(name) for name in COMPARISON} for pair in report["comparisons"]],
    }


def _rounded(value: Any) -> Any:
    """Round a loss, because its last digits depend on the order in which threads add floats."""
    return round(value, 9) if isinstance(value, float) else value


def write_use_cases(folder: Path, runs: list[DisturbedRun], lanes: int) -> None:
    """
    Write a use case for each run.

    All use cases have the same rows. Each has its own name, and uses the simulated account of the lane in which its run
    is carried out. The ``WAYS`` to serve alternate. They must not change the result of a run.
    """
    folder.mkdir(parents=True, exist_ok=True)  # the folder does not exist when no case of the matrix was selected
    for number, run in enumerate(runs):
        way = WAYS[number % len(WAYS)]
        run.lane, run.on_demand = number % lanes, way["serving"]["mode"] == "on_demand"
        changes: dict[str, Any] = {
            "source": {"documents": ROWS, "evaluation_rows": EVALUATION_ROWS},
            "aws": {"conn_id": f"aws_lane{run.lane}", "promotion_conn_id": f"aws_lane{run.lane}_promotion"},
            **way,
            "arms": [{"name": "base", "kind": "base"}, {"name": "tuned"}],
            "tags": ["whole"],
            "fan_out": FAN_OUT.model_dump(include={"max_tasks", "evaluation_tasks", "concurrency"}),
        }
        raw = quick_use_case(run.key, SAMPLE / "train.csv", SAMPLE / "evaluation.csv", changes)
        (folder / f"{run.key}.yaml").write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")


def run_schedules(stack: Stack, runs: list[DisturbedRun], promotions: Sequence[Case], table: Table) -> None:
    """
    Carry out the first run without kills, then the other runs with kills, one at a time in each lane.

    :param promotions: the random schedules of promotions. They run in an additional lane, which uses the simulated
        account of the cases.
    """
    reference, *others = runs
    try:
        expected = _run_to_success(stack, reference)
    except Exception as error:
        note = f"{type(error).__name__}: {error} Without this run, the other runs cannot be compared."
        table.add([Row("walk w00: undisturbed", 0, 0, 1, 1, 0, 0, 0, ok=False, note=note)])
        return
    lanes: list[SimpleQueue[Callable[[], None]]] = [SimpleQueue() for _ in range(len(stack.lanes) + 1)]
    for run in others:
        lanes[run.lane].put(partial(_add_row, stack, run, expected, table))
    for case in promotions:
        lanes[-1].put(partial(run_case, stack, case, None, table))

    def work(lane: SimpleQueue[Callable[[], None]]) -> None:
        while not lane.empty():
            lane.get()()

    in_parallel(work, lanes, len(lanes))


def _add_row(stack: Stack, run: DisturbedRun, expected: Mapping[str, Any], table: Table) -> None:
    table.add([_row(stack, run, expected)])


def _row(stack: Stack, run: DisturbedRun, expected: Mapping[str, Any]) -> Row:
    began, note, calls = time.monotonic(), "", 0
    try:
        outcome = _run_to_success(stack, run)
        calls = outcome["calls"]
        if difference := describe_difference(outcome["report"], expected["report"]):
            note = f"the report differs: {difference}"
    except Exception as error:
        note = f"{type(error).__name__}: {error}"
    bought = purchases(stack.lanes[run.lane].ledger(), f"{run.key}-tuned-")
    jobs, throughputs, deployments = (len(bought[kind]) for kind in ("jobs", "throughputs", "deployments"))
    endpoints = min(max(throughputs + deployments, 1), 1 + run.served_again)
    allowed = (0, endpoints) if run.on_demand else (endpoints, 0)
    repaid = max(0, calls - expected["calls"])
    in_flight = lost_answers(stack.metadata.tasks(run.dag_id, RUN_ID))
    counts = (jobs, throughputs, deployments, bought["alive"])
    return Row(
        f"walk {run.key}: {', '.join(run.killed)}",
        jobs,
        throughputs,
        expected_jobs=1,
        expected_throughputs=allowed[0],
        alive_at_end=bought["alive"],
        repaid=repaid,
        in_flight=in_flight,
        ok=not note and counts == (1, *allowed, 0) and repaid <= in_flight,
        state=stack.metadata.run_state(run.dag_id, RUN_ID) or "",
        expected_state="success",
        seconds=round(time.monotonic() - began, 1),
        note=f"{run.recoveries} recoveries. {note}" if run.recoveries or note else "",
        deployments=deployments,
        expected_deployments=allowed[1],
    )


def lost_answers(tasks: list[TaskState]) -> int:
    """Return the maximum number of model answers that may have been lost because attempts of tasks were killed."""
    # A call counts as in flight until its answer is stored, and each of these tasks calls one model. So a killed
    # attempt loses at most as many answers as calls may be in flight, and no more answers than the task has items.
    return sum(
        max(0, task.try_number - 1) * min(FAN_OUT.concurrency, ITEMS_OF_A_TASK[task.task_id])
        for task in tasks
        if task.task_id in ITEMS_OF_A_TASK
    )


def describe_difference(report: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """Describe where a report differs from the expected report. The text is empty if the reports agree."""
    ours, theirs = comparable(report), comparable(expected)
    parts = [f"{key}: {ours[key]} instead of {theirs[key]}" for key in ours if ours[key] != theirs[key]]
    return "; ".join(parts)[:600]


def _run_to_success(stack: Stack, run: DisturbedRun) -> dict[str, Any]:
    """Start the run, carry out its kills, and recover it until it succeeds. Return its report and the billed calls."""
    account = stack.lanes[run.lane]
    account.reset_counts()
    stack.operator.start(run.dag_id, RUN_ID)
    for due in run.kills:
        run.killed.append(carry_out(stack, run.dag_id, RUN_ID, due))
    for run.recoveries in range(MAX_RECOVERIES + 1):
        if stack.wait_for_end(run.dag_id, RUN_ID, RUN_SECONDS) == "success":
            folder = RunFolder(run_uri(root_of(run.key), run.key, run_key(run.dag_id, RUN_ID)))
            report = json.loads(account.read_object(folder.report("json")))
            return {"report": report, "calls": account.ledger()["billed_calls"]}
        _recover(stack, run)
    raise RuntimeError(f"{run.key} did not succeed after {MAX_RECOVERIES} recoveries.")


def carry_out(stack: Stack, dag_id: str, run_id: str, due: Kill) -> str:
    """
    Carry out a kill when it is due, or as soon as the run has ended, whichever comes first.

    :return: the service or the task that was killed, or ``nothing`` if no task was running any more.
    """

    def is_due() -> bool:
        tasks = stack.metadata.tasks(dag_id, run_id)
        ended = sum(task.state in ("success", "failed") for task in tasks)
        return ended >= due.after_tasks or stack.metadata.settled(dag_id, run_id) is not None

    progress = partial(stack.metadata.progress, dag_id)
    wait_for(is_due, f"the end of {due.after_tasks} tasks of {dag_id}", RUN_SECONDS, progress=progress)
    time.sleep(due.delay)
    if due.victim == "task":
        return _kill_a_task(stack, dag_id, run_id)
    stack.kill_service(due.victim)
    return due.victim


def _kill_a_task(stack: Stack, dag_id: str, run_id: str) -> str:
    """Kill a running task and return its id, or ``nothing`` when the run has ended."""

    def running() -> list[TaskState]:
        return [task for task in stack.metadata.tasks(dag_id, run_id) if task.state == "running" and task.pid]

    end = partial(stack.metadata.settled, dag_id, run_id)
    wait_for(lambda: running() or end(), f"a running task of {dag_id}", RUN_SECONDS, pause=0.1)
    for task in running():
        kill(task.pid)
        return task.task_id
    return "nothing"


def _recover(stack: Stack, run: DisturbedRun) -> None:
    """Follow the runbook: clear the failed tasks and everything downstream, and start the endpoint again if needed."""
    tasks = stack.metadata.tasks(run.dag_id, RUN_ID)
    failed = [task.task_id for task in tasks if task.state == "failed"]
    served = any(task in SERVED for task in failed)
    run.served_again += served
    to_clear = {task for task in failed if task not in (*SERVED, "outcome")}
    if served:
        to_clear |= {task.task_id for task in tasks if task.task_id in CREATE}
    stack.operator.clear(run.dag_id, RUN_ID, sorted(to_clear or {"outcome"}), downstream=True)
