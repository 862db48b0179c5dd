"""Let tasks of a DAG succeed at once and do nothing, as in a part of the simulation."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG


def make_passive(dag: DAG, active: Collection[str]) -> DAG:
    """Replace all tasks that are not in ``active``. Airflow never starts a process for the replacements."""
    for task_id in sorted(set(dag.task_ids) - set(active)):
        old: Any = dag.task_dict.pop(task_id)
        new: Any = EmptyOperator(task_id=task_id, trigger_rule=old.trigger_rule)
        new.task_group = old.task_group
        old.task_group.children[task_id] = new
        new.upstream_task_ids, new.downstream_task_ids = set(old.upstream_task_ids), set(old.downstream_task_ids)
        new.is_setup, new.is_teardown = old.is_setup, old.is_teardown
        if old.is_teardown:
            new.on_failure_fail_dagrun = old.on_failure_fail_dagrun
        new.start_date = old.start_date
        dag.task_group.used_group_ids.discard(task_id)  # otherwise, Airflow refuses the same id again
        new.dag = dag
    return dag
