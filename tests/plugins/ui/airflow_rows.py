"""Write runs and open questions into Airflow's database, as the scheduler and the tasks do."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.serialization.definitions.baseoperator import SerializedBaseOperator
from airflow.serialization.serialized_objects import OperatorSerialization
from airflow.utils.session import create_session

ASKED = datetime.datetime(2026, 11, 27, 5, tzinfo=datetime.UTC)
TABLES = (HITLDetail, TaskInstance, DagRun, DagVersion, DagModel, DagBundleModel)


def add_run(dag_id: str, run_id: str, *, state: str = "running", conf: Mapping[str, Any] | None = None) -> Any:
    """Write a run, and return the id of the version of its DAG."""
    with create_session() as session:
        if session.get(DagBundleModel, "tests") is None:
            session.add(DagBundleModel(name="tests"))
            session.flush()
        if session.get(DagModel, dag_id) is None:
            session.add(DagModel(dag_id=dag_id, bundle_name="tests"))
        session.flush()
        version = DagVersion(dag_id=dag_id, version_number=1, bundle_name="tests")
        session.add(version)
        session.add(DagRun(dag_id=dag_id, run_id=run_id, run_type="manual", state=state, conf=conf, run_after=ASKED))
        session.flush()
        return version.id


def ask(
    dag_id: str, run_id: str, task_id: str, *, version: Any, state: str = "deferred", answered: bool = False
) -> None:
    """Write a task that has asked a question."""
    task = OperatorSerialization.deserialize(OperatorSerialization.serialize(EmptyOperator(task_id=task_id)))
    assert isinstance(task, SerializedBaseOperator)
    with create_session() as session:
        instance = TaskInstance(task=task, run_id=run_id, state=state, dag_version_id=version)
        instance.dag_id = dag_id
        session.add(instance)
        session.flush()
        session.add(
            HITLDetail(
                ti_id=instance.id,
                options=["Approve", "Reject"],
                subject="Approve?",
                params={},
                created_at=ASKED,
                responded_at=ASKED if answered else None,
            )
        )


def clear_tables() -> None:
    """Delete all rows that this module can write."""
    with create_session() as session:
        for table in TABLES:
            session.query(table).delete()
