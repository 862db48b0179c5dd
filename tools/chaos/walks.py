"""
Random walks: whole nightly runs under seeded kill schedules, each brought to its end as an engineer would, and then
compared with a run that nobody disturbed.

Each lane is an account of its own. The walks of all lanes share one Airflow, so that a blow at one of its services hits
the others as well: every walk suffers its own schedule and what falls on its neighbours.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import yaml

from include.distill.core.naming import run_key
from tools.chaos.account import Account, purchases
from tools.chaos.control import TaskState
from tools.chaos.material import quick_use_case
from tools.chaos.runner import Table
from tools.chaos.trial import RUN_SECONDS, Row
from tools.chaos.world import SERVICES, World, kill, side_by_side, wait_for
from tools.local_airflow.settings import PROJECT

BLOWS = 2
CONCURRENCY = 2
RECOVERIES = 5
TASKS = 19  # of an undisturbed run
ROWS = 4
SAMPLE = PROJECT / "include" / "data" / "aws_docs_qa"
RUN_ID = "chaos__walk"
ASKING = ("synthesize", "base.answer", "tuned.answer", "judge.claude-haiku-4-5")
SERVED = ("tuned.in_service", "tuned.answer", "tuned.release", "tuned.provision")
# What two runs must agree on: verdict and counts. Names, times, dollars and the last digit of a loss may differ.
COUNTS = ("documents", "requested", "accepted", "rejected", "missing", "surplus")
ARM = ("name", "kind", "records", "job_status", "released")
COMPARISON = ("judge", "candidate", "baseline", "n", "wins", "losses", "ties", "unparsable")


@dataclass(frozen=True)
class Blow:
    """A kill: who, when so many tasks have ended, and how much later in seconds."""

    victim: str
    after_tasks: int
    delay: float


@dataclass
class Walk:
    """One whole run and its schedule; without blows it is the reference."""

    key: str
    blows: list[Blow]
    lane: int = 0
    recoveries: int = 0
    served_again: int = 0
    fallen: list[str] = field(default_factory=list)

    @property
    def dag_id(self) -> str:
        """The walk's own DAG."""
        return f"distill_{self.key}"


def plan(count: int, seed: int) -> list[Walk]:
    """Return the walks of a seed."""
    return [Walk(f"w{number:02}", _schedule(random.Random(f"{seed}/{number}"))) for number in range(1, count + 1)]


def _schedule(rng: random.Random) -> list[Blow]:
    victims = (*SERVICES, "task")
    blows = [Blow(rng.choice(victims), rng.randrange(TASKS - 1), rng.uniform(0, 3)) for _ in range(BLOWS)]
    return sorted(blows, key=lambda blow: blow.after_tasks)


def comparable(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be the same however often a run was disturbed."""
    return {
        "verdict": report["verdict"],
        "source": report["source"],
        "synthesis": {name: report["synthesis"][name] for name in COUNTS},
        "arms": [{name: _steady(arm.get(name)) for name in ARM} for arm in report["arms"]],
        "comparisons": [{name: pair.get(name) for name in COMPARISON} for pair in report["comparisons"]],
    }


def _steady(value: Any) -> Any:
    """Round a loss: sums of floating-point numbers differ in their last digits with the order of the threads."""
    return round(value, 9) if isinstance(value, float) else value


def write_walks(folder: Path, walks: list[Walk], lanes: int) -> None:
    """Write the use cases of the walks; all are about the same rows, each has a name and an account's folder."""
    for number, walk in enumerate(walks):
        walk.lane = number % lanes
        changes: dict[str, Any] = {
            "source": {"documents": ROWS, "evaluation_rows": 2},
            "aws": {"conn_id": f"aws_lane{walk.lane}"},
            "arms": [{"name": "base", "kind": "base"}, {"name": "tuned"}],
            "tags": ["whole"],
            "fan_out": {"max_tasks": 2, "evaluation_tasks": 1, "concurrency": CONCURRENCY},
        }
        raw = quick_use_case(walk.key, SAMPLE / "train.csv", SAMPLE / "evaluation.csv", changes)
        (folder / f"{walk.key}.yaml").write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")


def run_walks(world: World, walks: list[Walk], table: Table) -> None:
    """Run the first walk undisturbed, then the others, one per lane at a time."""
    reference, *others = walks
    try:
        expected = _run(world, reference, threading.Lock())
    except Exception as error:
        note = f"{type(error).__name__}: {error} Without it no walk can be judged."
        table.add([Row("walk w00: undisturbed", 0, 0, 1, 1, 0, 0, 0, ok=False, note=note)])
        return
    lanes: list[SimpleQueue[Walk]] = [SimpleQueue() for _ in world.lanes]
    for walk in others:
        lanes[walk.lane].put(walk)
    shared = threading.Lock()

    def work(lane: SimpleQueue[Walk]) -> None:
        while not lane.empty():
            table.add([_row(world, lane.get(), expected, shared)])

    side_by_side(work, lanes, len(lanes))


def _row(world: World, walk: Walk, expected: Mapping[str, Any], shared: threading.Lock) -> Row:
    began, note = time.monotonic(), ""
    found: dict[str, Any] = {}
    try:
        found = _run(world, walk, shared)
        same = comparable(found["report"]) == comparable(expected["report"])
        note = "" if same else f"the report differs: {_difference(found['report'], expected['report'])}"
    except Exception as error:
        note = f"{type(error).__name__}: {error}"
    bought = purchases(world.lanes[walk.lane].ledger(), f"{walk.key}-tuned-")
    jobs, throughputs = len(bought["jobs"]), len(bought["throughputs"])
    allowed = min(max(throughputs, 1), 1 + walk.served_again)
    repaid = max(0, found.get("calls", 0) - expected["calls"])
    in_flight = CONCURRENCY * lost_tries(world.metadata.tasks(walk.dag_id, RUN_ID))
    name = f"walk {walk.key}: {', '.join(walk.fallen)}"
    ok = not note and (jobs, throughputs, bought["alive"]) == (1, allowed, 0) and repaid <= in_flight
    state = world.metadata.run_state(walk.dag_id, RUN_ID) or ""
    seconds = round(time.monotonic() - began, 1)
    note = f"{walk.recoveries} recoveries. {note}" if walk.recoveries or note else ""
    return Row(
        name, jobs, throughputs, 1, allowed, bought["alive"], repaid, in_flight, ok, state, "success", seconds, note
    )


def lost_tries(tasks: list[TaskState]) -> int:
    """Count the tries of asking tasks that did not come to their end; each may lose what it had in flight."""
    return sum(max(0, task.try_number - 1) for task in tasks if task.task_id in ASKING)


def _difference(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    ours, theirs = comparable(found), comparable(expected)
    parts = [f"{key}: {ours[key]} instead of {theirs[key]}" for key in ours if ours[key] != theirs[key]]
    return "; ".join(parts)[:600]


def _run(world: World, walk: Walk, shared: threading.Lock) -> dict[str, Any]:
    """Run a walk until it succeeds, and return its report and how many calls were billed."""
    account = world.lanes[walk.lane]
    account.reset_counts()
    world.engineer.start(walk.dag_id, RUN_ID)
    for blow in walk.blows:
        _strike(world, walk, blow, shared)
    for walk.recoveries in range(RECOVERIES + 1):
        state = _settled(world, walk)
        if state == "success":
            return {"report": _report(account, walk), "calls": account.ledger()["billed_calls"]}
        _recover(world, walk)
    raise RuntimeError(f"{walk.key} did not succeed after {RECOVERIES} recoveries.")


def _settled(world: World, walk: Walk) -> str:
    states: list[str] = []

    def ended() -> bool:
        states.append(world.metadata.settled(walk.dag_id, RUN_ID) or "")
        return len(states) > 1 and states[-1] == states[-2] != ""

    wait_for(
        ended, f"The end of {walk.dag_id}", RUN_SECONDS, pause=1, moving=partial(world.metadata.moves, walk.dag_id)
    )
    return states[-1]


def _strike(world: World, walk: Walk, blow: Blow, shared: threading.Lock) -> None:
    """Wait for the moment and kill; a run that is over has no such moment any more."""

    def due() -> bool:
        tasks = world.metadata.tasks(walk.dag_id, RUN_ID)
        done = sum(task.state in ("success", "failed") for task in tasks)
        return done >= blow.after_tasks or world.metadata.settled(walk.dag_id, RUN_ID) is not None

    wait_for(
        due,
        f"{blow.after_tasks} tasks of {walk.dag_id}",
        RUN_SECONDS,
        moving=partial(world.metadata.moves, walk.dag_id),
    )
    time.sleep(blow.delay)
    if blow.victim == "task":
        walk.fallen.append(_kill_a_task(world, walk))
        return
    with shared:  # one service at a time: an engineer does not pull two plugs at once
        world.kill_service(blow.victim)
    walk.fallen.append(blow.victim)


def _kill_a_task(world: World, walk: Walk) -> str:
    def running() -> list[TaskState]:
        return [task for task in world.metadata.tasks(walk.dag_id, RUN_ID) if task.state == "running" and task.pid]

    over = partial(world.metadata.settled, walk.dag_id, RUN_ID)
    wait_for(lambda: running() or over(), f"A running task of {walk.dag_id}", RUN_SECONDS, pause=0.1)
    for task in running():
        kill(task.pid)
        return task.task_id
    return "nothing"


def _recover(world: World, walk: Walk) -> None:
    """Do what the runbook says: clear what failed with downstream; what was served is served again."""
    failed = [task.task_id for task in world.metadata.tasks(walk.dag_id, RUN_ID) if task.state == "failed"]
    served = any(task in SERVED for task in failed)
    walk.served_again += served
    chosen = {task for task in failed if task not in (*SERVED, "outcome")} | ({"tuned.provision"} if served else set())
    world.engineer.clear(walk.dag_id, RUN_ID, sorted(chosen or {"outcome"}), downstream=True)


def _report(account: Account, walk: Walk) -> dict[str, Any]:
    uri = f"s3://chaos-training/{walk.key}/runs/{run_key(walk.dag_id, RUN_ID)}/report/report.json"
    report: dict[str, Any] = json.loads(account.read_object(uri))
    return report
