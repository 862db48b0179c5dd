"""A task that is made passive keeps its place in the DAG, and Airflow starts no process for it."""

from __future__ import annotations

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, TaskGroup
from airflow.serialization.serialized_objects import DagSerialization

from tools.chaos.passive_tasks import make_passive


def nothing() -> list[int]:
    return [1]


@pytest.fixture
def dag() -> DAG:
    with DAG("example", schedule=None) as built:
        first = PythonOperator(task_id="first", python_callable=nothing)
        with TaskGroup("group"):
            opened = PythonOperator(task_id="opened", python_callable=nothing)
            opened.is_setup = True
            mapped = PythonOperator.partial(task_id="mapped", python_callable=print).expand(op_args=first.output)
            closed = PythonOperator(task_id="closed", python_callable=nothing).as_teardown(
                on_failure_fail_dagrun=True, setups=opened
            )
        last = PythonOperator(task_id="last", python_callable=nothing, trigger_rule="all_done")
        first >> opened >> mapped >> closed >> last
    return built


def relatives(dag: DAG) -> dict[str, object]:
    return {
        task.task_id: (
            set(task.upstream_task_ids),
            set(task.downstream_task_ids),
            task.trigger_rule,
            task.is_setup,
            task.is_teardown,
            task.task_group and task.task_group.group_id,
        )
        for task in dag.tasks
    }


def test_the_places_of_the_tasks_stay(dag: DAG) -> None:
    before = relatives(dag)
    assert relatives(make_passive(dag, {"first"})) == before


def test_all_other_tasks_do_nothing(dag: DAG) -> None:
    passive = make_passive(dag, {"first", "group.opened"})
    empty = {task.task_id for task in passive.tasks if isinstance(task, EmptyOperator)}
    assert empty == {"group.mapped", "group.closed", "last"}
    assert passive.get_task("group.closed").on_failure_fail_dagrun


def test_airflow_reads_the_stored_dag(dag: DAG) -> None:
    stored = DagSerialization.from_dict(DagSerialization.to_dict(make_passive(dag, {"first"})))
    assert stored.get_task("group.mapped").inherits_from_empty_operator
    assert not stored.get_task("first").inherits_from_empty_operator
    assert stored.get_task("group.closed").upstream_task_ids == {"group.mapped", "group.opened"}
