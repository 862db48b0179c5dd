"""
Read what Airflow knows about a run: the states of its tasks, their results, and what failed tasks said.

The API server reads Airflow's database itself. Tasks cannot do this; they ask the API server.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import or_, select

from bedrock_distill.run.failed_tasks import RunStates

log = logging.getLogger(__name__)

_RESULT = "return_value"


@dataclass(frozen=True)
class Instance:
    """A task instance. ``map_index`` is -1 if the task is not mapped, or if Airflow has not expanded it yet."""

    task_id: str
    map_index: int
    state: str | None
    started: datetime.datetime | None
    ended: datetime.datetime | None


@dataclass(frozen=True)
class StoredRun:
    """
    A run in Airflow's database. It has the methods of a task instance that the code of the tasks uses.

    :ivar state: ``queued``, ``running``, ``success`` or ``failed``.
    :ivar upstream: for each task, the ids of the tasks that it directly depends on; empty if the DAG is not known.
    :ivar xcoms: the results of tasks that are not mapped, and the notes of failed tasks, by task id, map index and key.
    """

    dag_id: str
    run_id: str
    state: str
    started: datetime.datetime | None
    ended: datetime.datetime | None
    instances: Sequence[Instance]
    upstream: Mapping[str, Collection[str]] = field(default_factory=dict)
    mapped: Collection[str] = ()
    xcoms: Mapping[tuple[str, int, str], Any] = field(default_factory=dict)

    @property
    def states(self) -> RunStates:
        """The states of the tasks, as the code of the tasks reads them."""
        states = {
            f"{instance.task_id}_{instance.map_index}" if instance.map_index >= 0 else instance.task_id: instance.state
            for instance in self.instances
        }
        mapped = {*self.mapped, *(instance.task_id for instance in self.instances if instance.map_index >= 0)}
        return RunStates(states, self.order, mapped, self.upstream)

    @property
    def order(self) -> list[str]:
        """The ids of all tasks, in the order of the pipeline."""
        known = pipeline_order(self.upstream)
        return [*known, *sorted({instance.task_id for instance in self.instances}.difference(known))]

    def get_task_states(self, *, dag_id: str, run_ids: Sequence[str]) -> dict[str, Mapping[str, str | None]]:
        """Return the states of the tasks, as the method of a task instance does."""
        return {self.run_id: self.states.states}

    def xcom_pull(self, task_ids: str, key: str = _RESULT, map_indexes: int = -1) -> Any:
        """Return what a task has stored, as the method of a task instance does; ``None`` if it stored nothing."""
        return self.xcoms.get((task_ids, map_indexes, key))


def read_run(dag_id: str, run_id: str) -> StoredRun | None:
    """Return a run; ``None`` if Airflow has no such run."""
    with create_session(scoped=False) as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        if run is None:
            return None
        instances = session.execute(
            select(
                TaskInstance.task_id,
                TaskInstance.map_index,
                TaskInstance.state,
                TaskInstance.start_date,
                TaskInstance.end_date,
            ).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
        )
        upstream, mapped = _structure(run, session)
        return StoredRun(
            dag_id,
            run_id,
            str(run.state),
            run.start_date,
            run.end_date,
            [Instance(*row) for row in instances],
            upstream,
            mapped,
            _xcoms(dag_id, run_id, session),
        )


def _xcoms(dag_id: str, run_id: str, session: Any) -> dict[tuple[str, int, str], Any]:
    """Return the results that a page needs. Those of mapped tasks are left out, because there may be hundreds."""
    rows = session.execute(
        select(XComModel.task_id, XComModel.map_index, XComModel.key, XComModel.value).where(
            XComModel.dag_id == dag_id,
            XComModel.run_id == run_id,
            or_(XComModel.key != _RESULT, XComModel.map_index == -1),
        )
    )
    return {(row.task_id, row.map_index, row.key): XComModel.deserialize_value(row) for row in rows}


def _structure(run: DagRun, session: Any) -> tuple[dict[str, Collection[str]], list[str]]:
    """Return which task depends on which, and the mapped tasks; empty if the DAG cannot be read."""
    try:
        dag = _dag_bag().get_dag_for_run(run, session=session)
    except Exception:
        log.warning("The DAG of %s cannot be read, so its tasks are listed by name", run.dag_id, exc_info=True)
        return {}, []
    tasks = dag.tasks if dag else []
    return {task.task_id: task.upstream_task_ids for task in tasks}, [task.task_id for task in tasks if task.is_mapped]


@cache
def _dag_bag() -> DBDagBag:
    return DBDagBag()


def pipeline_order(upstream: Mapping[str, Collection[str]]) -> list[str]:
    """
    Return the tasks so that each comes after the tasks that it depends on, and chains of tasks stay together.

    :param upstream: for each task, the ids of the tasks that it directly depends on.
    """
    downstream: dict[str, list[str]] = {task: [] for task in upstream}
    missing = {task: len(before) for task, before in upstream.items()}
    for task, before in upstream.items():
        for earlier in before:
            downstream[earlier].append(task)
    ready = sorted((task for task, count in missing.items() if not count), reverse=True)
    order = []
    while ready:
        task = ready.pop()
        order.append(task)
        for later in sorted(downstream[task], reverse=True):
            missing[later] -= 1
            if not missing[later]:
                ready.append(later)
    return order
