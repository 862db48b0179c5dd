from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from bedrock_distill.operators.base import ArmOperator, DistillOperator
from tests.fakes.fake_bedrock import RUN_KEY
from tests.plugins.conftest import RUN_URI


def test_a_task_uses_its_own_connection_and_region() -> None:
    task = DistillOperator(task_id="t", run_uri=RUN_URI, aws_conn_id="aws_other", region_name="eu-west-1")
    assert (task.hook.aws_conn_id, task.hook.region_name) == ("aws_other", "eu-west-1")


def test_without_a_region_the_connections_region_is_used() -> None:
    task = DistillOperator(task_id="t", run_uri=RUN_URI)
    assert (task.hook.aws_conn_id, task.hook.region_name) == ("aws_default", None)


def test_a_dag_sets_the_runs_folder_and_the_region_once_for_all_tasks() -> None:
    with DAG("d", schedule=None, default_args={"run_uri": RUN_URI, "region_name": "eu-west-1"}):
        task = ArmOperator(task_id="t", arm="tuned")
    assert (task.run_uri, task.region_name, task.arm) == (RUN_URI, "eu-west-1", "tuned")
    assert task.folder.run_key == RUN_KEY


@pytest.mark.parametrize("task_class", [DistillOperator, ArmOperator])
def test_a_task_without_a_run_folder_is_refused_while_the_dag_is_parsed(task_class: Any) -> None:
    more = {"arm": "tuned"} if task_class is ArmOperator else {}
    with pytest.raises(ValueError, match="t: run_uri is missing"):
        task_class(task_id="t", **more)
