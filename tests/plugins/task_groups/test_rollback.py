from __future__ import annotations

from airflow.sdk import DAG

from bedrock_distill.task_groups.rollback import rollback_tasks
from bedrock_distill.task_groups.standing import RETRIES_OF_SETTLE, RETRIES_OF_SWITCH


def test_the_tasks_get_the_results_of_the_tasks_before_them() -> None:
    with DAG("d", schedule=None) as dag:
        rollback_tasks()
    inputs = {
        (task.task_id, field): getattr(task, field).operator.task_id
        for task in dag.tasks
        for field in ("switching", "switched", "smoked")
        if field in task.template_fields
    }
    assert inputs == {
        ("switched", "switching"): "switch",
        ("smoke", "switched"): "switched",
        ("restore", "switched"): "switched",
        ("restore", "smoked"): "smoke",
    }


def test_a_change_that_another_run_blocks_is_retried_for_long() -> None:
    with DAG("d", schedule=None) as dag:
        rollback_tasks()
    retries = {task.task_id: task.retries for task in dag.tasks}
    assert (retries["switch"], retries["settle"], retries["switched"]) == (RETRIES_OF_SWITCH, RETRIES_OF_SETTLE, 3)
    assert retries["outcome"] == 0


def test_the_record_triggers_the_dags_of_the_asset() -> None:
    with DAG("d", schedule=None) as dag:
        rollback_tasks()
    assert {task.task_id for task in dag.tasks if task.outlets} == {"restore"}
