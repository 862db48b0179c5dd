"""
Put together what the live page of a run shows: the states of the tasks in Airflow, and what the tasks stored in S3.

The page is built without any request to Bedrock. What is billed follows from the states and results of the tasks, as in
the errors of the tasks.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import quote

from bedrock_distill.run.failed_tasks import next_steps
from bedrock_distill.run.failure_notes import read_note
from bedrock_distill.run.running_purchases import describe_running_purchases, served_arms
from bedrock_distill.run.task_ids import (
    ANSWER,
    APPROVE,
    APPROVE_SPENDING,
    ESTIMATE,
    INGEST,
    OUTCOME,
    SYNTHESIZE,
    TRAINING_SHARDS,
    arm_task,
)
from bedrock_distill.run.task_results import SHARDED_ROWS
from bedrock_distill.ui.paths import ui_path
from bedrock_distill.ui.served_pages import logged
from bedrock_distill.ui.stored_run import Instance, StoredRun
from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError
from include.distill.core.storage import ObjectStore, read_json
from include.distill.cost.records import EstimatedLines
from include.distill.inference.records import ThroughputManifest
from include.distill.progress.records import TaskProgress
from include.distill.progress.steps import read_progress, step_progress
from include.distill.report.live_page import BUSY
from include.distill.report.live_records import LiveProgress, LiveRun, LiveStep, SpentPart, StepState
from include.distill.report.live_spending import spent_so_far

if TYPE_CHECKING:
    from airflow.sdk import Context

PartT = TypeVar("PartT")

_STATES: dict[str | None, StepState] = {
    "running": "running",
    "deferred": "waiting",
    "awaiting_input": "waiting",
    "up_for_reschedule": "waiting",
    "up_for_retry": "retrying",
    "restarting": "retrying",
    "queued": "starting",
    "scheduled": "starting",
    "success": "done",
    "failed": "failed",
    "upstream_failed": "blocked",
    "skipped": "skipped",
    "removed": "skipped",
    None: "pending",
}
# If the instances of a step have different states, the step has the first of these.
_FIRST: tuple[StepState, ...] = ("failed", "running", "waiting", "retrying", "starting")
_NOT_STARTED: tuple[StepState, ...] = ("pending", "starting", "blocked")
_IN_PROGRESS = ("queued", "running")


def live_run(
    use_case: UseCase,
    store: ObjectStore,
    folder: RunFolder,
    run: StoredRun,
    *,
    now: datetime.datetime,
    simulated: bool = False,
) -> LiveRun:
    """
    Return everything that the live page shows. A part that cannot be read is left out, and the page says so.

    :param simulated: whether a simulator answers in place of AWS.
    """
    problems: list[str] = []
    progress = _part(
        lambda: read_progress(store, folder.progress),
        *(list[TaskProgress](), "The progress of the tasks", folder, problems),
    )
    model_units = use_case.serving.model_units
    spent = _part(
        lambda: spent_so_far(store, folder, progress, _endpoints(run), model_units=model_units, now=now),
        *(list[SpentPart](), "What the run has spent so far", folder, problems),
    )
    estimated = _part(lambda: _estimated_usd(store, folder), None, "The estimate", folder, problems)
    billing = describe_running_purchases(cast("Context", {"ti": run}), own_task="")
    if billing is None:
        problems.append("What is billed now cannot be read. Open the tasks in Airflow.")
    return {
        "use_case": use_case.name,
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "state": run.state,
        "simulated": simulated,
        "started_at": run.started,
        "seconds": _seconds(run.started, run.ended, now),
        "steps": live_steps(run, progress, now=now),
        "spent": spent,
        "estimated_usd": estimated,
        "cap_usd": (run.xcom_pull(task_ids=ESTIMATE) or {}).get("max_spend_usd", use_case.max_spend_usd),
        "billing": billing or "",
        "to_do": _to_do(run),
        "problems": problems,
        "refreshes": run.state in _IN_PROGRESS,
        "list_url": ui_path("distill/"),
        "compare_url": ui_path(f"distill/?compare={quote(f'{run.dag_id}/{run.run_id}', safe='')}"),
    }


def live_steps(run: StoredRun, progress: Sequence[TaskProgress], *, now: datetime.datetime) -> list[LiveStep]:
    """Return the steps of a run, in the order of the pipeline."""
    instances: dict[str, list[Instance]] = {}
    for instance in run.instances:
        instances.setdefault(instance.task_id, []).append(instance)
    recorded: dict[str, list[TaskProgress]] = {}
    for record in progress:
        recorded.setdefault(record["task_id"], []).append(record)
    return [
        _step(run, instances[task_id], recorded.get(task_id, []), now) for task_id in run.order if task_id in instances
    ]


def _step(
    run: StoredRun, instances: Sequence[Instance], records: Sequence[TaskProgress], now: datetime.datetime
) -> LiveStep:
    states = {instance.map_index: _STATES.get(instance.state, "pending") for instance in instances}
    task_id = instances[0].task_id
    state = _joined(list(states.values()))
    state = "asking" if state == "waiting" and task_id in (APPROVE_SPENDING, APPROVE) else state
    started = [instance.started for instance in instances if instance.started]
    ended = [instance.ended for instance in instances if instance.ended]
    # A record of an earlier attempt says nothing about an instance that has not started again.
    current = [record for record in records if states.get(record["map_index"], "pending") not in _NOT_STARTED]
    known_rows = _known_rows(run, task_id)
    place = f"dags/{quote(run.dag_id, safe='')}/runs/{quote(run.run_id, safe=':+')}/tasks/{quote(task_id, safe='')}"
    return {
        "task_id": task_id,
        "state": state,
        "instances": len(instances),
        "ended": sum(one == "done" for one in states.values()),
        "seconds": _seconds(min(started), max(ended, default=None) if state not in BUSY else None, now)
        if started
        else None,
        "url": ui_path(f"{place}/mapped" if len(instances) > 1 else place),
        "known_rows": known_rows,
        "progress": _progress(current, len(instances) - len(current), known_rows, now),
    }


def _joined(states: Sequence[StepState]) -> StepState:
    """Return the state of a step whose instances have these states."""
    for state in _FIRST:
        if state in states:
            return state
    kinds = set(states)
    return kinds.pop() if len(kinds) == 1 else "running" if kinds & {"pending"} else "done"


def _known_rows(run: StoredRun, task_id: str) -> int | None:
    """
    Return the number of rows of a step; ``None`` if it is not known.

    The teacher gets only the rows from which an arm takes pairs. The task that splits them into shards counts them. In
    runs of versions that did not store this number, it is not known.
    """
    if task_id == SYNTHESIZE:
        counted = run.xcom_pull(task_ids=TRAINING_SHARDS, key=SHARDED_ROWS)
        return counted if isinstance(counted, int) else None
    rows = (run.xcom_pull(task_ids=INGEST) or {}).get("evaluation")
    is_answering = task_id.rpartition(".")[2] == ANSWER
    return rows if is_answering and isinstance(rows, int) else None


def _progress(
    records: Sequence[TaskProgress], waiting: int, known_rows: int | None, now: datetime.datetime
) -> LiveProgress | None:
    step = step_progress(records, waiting=waiting, known_rows=known_rows)
    if step is None:
        return None
    figures = dataclasses.asdict(step)
    age = now - datetime.datetime.fromisoformat(figures.pop("updated_at"))
    return cast("LiveProgress", {**figures, "seconds_old": max(0.0, age.total_seconds()), "not_started": waiting})


def _seconds(
    started: datetime.datetime | None, ended: datetime.datetime | None, now: datetime.datetime
) -> float | None:
    return max(0.0, ((ended or now) - started).total_seconds()) if started else None


def _endpoints(run: StoredRun) -> Mapping[str, ThroughputManifest]:
    """Return the results of the tasks that created an endpoint, by arm."""
    results = {
        arm: run.xcom_pull(task_ids=arm_task(arm, tasks.create))
        for arm, tasks in served_arms(run.states.states).items()
    }
    return {
        arm: cast("ThroughputManifest", result)
        for arm, result in results.items()
        if isinstance(result, dict) and result.keys() >= {"student", "throughput_name"}
    }


def _estimated_usd(store: ObjectStore, folder: RunFolder) -> float | None:
    try:
        return read_json(store, folder.estimate, EstimatedLines)["estimated_usd"]
    except NotFoundError:
        return None


def _to_do(run: StoredRun) -> str:
    """Return what to do about failed tasks. ``outcome`` knows it best, because it runs after all other tasks."""
    failed = {part.task_id for part in run.states.failed}
    note = read_note(run, OUTCOME) if OUTCOME in failed else None
    if note:
        return note["to_do"]
    return next_steps(run.states, run) if failed else ""


def _part(read: Callable[[], PartT], default: PartT, what: str, folder: RunFolder, problems: list[str]) -> PartT:
    """Return what ``read`` returns. If it fails, return ``default`` and add a sentence to the problems."""
    try:
        return read()
    except NotFoundError:  # no bucket yet
        return default
    except Exception as error:  # any error: the other parts of the page are not affected
        problems.append(f"{what} cannot be read. {logged(error, folder.uri)}")
        return default
