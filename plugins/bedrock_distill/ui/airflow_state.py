"""
Read from Airflow's database which runs are in progress, and which questions wait for a person.

Only Airflow's API server, which serves the pages, may read the database. Tasks must not import this module.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import State
from sqlalchemy import and_, select

from bedrock_distill.ui.paths import ui_path
from include.distill.trend.overview import Waiting


@dataclass(frozen=True)
class AirflowState:
    """
    What is going on in some DAGs.

    :param running: the ids of the queued and running runs, by DAG.
    :param waiting: the tasks that wait for a person, by DAG, oldest question first.
    :param use_cases: the use case in the trigger form of a run with a question, by the address of the question.
    """

    running: dict[str, list[str]] = field(default_factory=dict)
    waiting: dict[str, list[Waiting]] = field(default_factory=dict)
    use_cases: dict[str, str] = field(default_factory=dict)

    def waiting_for(self, use_case: str, dag_ids: Collection[str], *, shared: Collection[str]) -> list[Waiting]:
        """
        Return the questions of a use case.

        :param dag_ids: the DAGs of the use case.
        :param shared: DAGs of all use cases, whose trigger form names the use case of a run.
        """
        own = [question for dag_id in dag_ids for question in self.waiting.get(dag_id, ())]
        others = [question for dag_id in shared for question in self.waiting.get(dag_id, ())]
        return own + [question for question in others if self.use_cases.get(question.url) == use_case]


def read_airflow(dag_ids: Collection[str]) -> AirflowState:
    """Return the runs in progress and the open questions of some DAGs."""
    state = AirflowState()
    with create_session() as session:
        for dag_id, run_id in session.execute(_live_runs(dag_ids)):
            state.running.setdefault(dag_id, []).append(run_id)
        for dag_id, run_id, task_id, since, conf in session.execute(_open_questions(dag_ids)):
            question = _waiting(dag_id, run_id, task_id, since)
            state.waiting.setdefault(dag_id, []).append(question)
            if isinstance(conf, dict) and isinstance(conf.get("use_case"), str):
                state.use_cases[question.url] = conf["use_case"]
    return state


def _live_runs(dag_ids: Collection[str]) -> Any:
    return select(DagRun.dag_id, DagRun.run_id).where(
        DagRun.dag_id.in_(dag_ids), DagRun.state.in_(State.unfinished_dr_states)
    )


def _open_questions(dag_ids: Collection[str]) -> Any:
    """Select the questions without an answer whose task has not ended, for example because a person failed it."""
    same_run = and_(DagRun.dag_id == TaskInstance.dag_id, DagRun.run_id == TaskInstance.run_id)
    columns = (TaskInstance.dag_id, TaskInstance.run_id, TaskInstance.task_id, HITLDetail.created_at, DagRun.conf)
    return (
        select(*columns)
        .select_from(HITLDetail)
        .join(TaskInstance, TaskInstance.id == HITLDetail.ti_id)
        .join(DagRun, same_run)
        .where(
            TaskInstance.dag_id.in_(dag_ids),
            HITLDetail.responded_at.is_(None),
            TaskInstance.state.in_([state for state in State.unfinished if state is not None]),
        )
        .order_by(HITLDetail.created_at)
    )


def _waiting(dag_id: str, run_id: str, task_id: str, since: datetime.datetime) -> Waiting:
    dag, run, task = (quote(part, safe="") for part in (dag_id, run_id, task_id))
    return Waiting(task_id, run_id, since, ui_path(f"dags/{dag}/runs/{run}/tasks/{task}/required_actions"))
