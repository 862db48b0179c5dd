from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from bedrock_distill.task_groups.standing import ChangeTasks


def test_all_tasks_before_the_record_are_setups_and_the_teardown_follows_the_record() -> None:
    with DAG("d", schedule=None):
        names = ("start", "switch", "switched", "smoke", "settle", "record")
        tasks = {name: EmptyOperator(task_id=name) for name in names}
        change = ChangeTasks(*(tasks[name] for name in names[:5]))
        change.connect(tasks["record"])
    setups = {name for name, task in tasks.items() if task.is_setup}
    assert setups == {"start", "switch", "switched", "smoke"}
    assert tasks["settle"].is_teardown
    assert tasks["settle"].upstream_task_ids == {*setups, "record"}
    assert tasks["record"].upstream_task_ids == {"smoke"}
