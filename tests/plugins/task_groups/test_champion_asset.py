from __future__ import annotations

import pytest
from airflow.sdk import Asset

from bedrock_distill.task_groups.champion_asset import champion_asset
from tests.plugins.task_groups.conftest import tasks


@pytest.mark.parametrize("name", ["aws_docs_qa", "payroll"])
def test_it_is_the_asset_that_the_documentation_names(name: str) -> None:
    """Name and address are written into the DAGs of other teams: a change of either would silence them."""
    asset = champion_asset(name)
    assert asset == Asset(name=f"distill_champion_{name}", uri=f"distill://champions/{name}")


def test_the_promotion_is_the_one_task_that_makes_its_event() -> None:
    outlets = {task_id: task.outlets for task_id, task in tasks().items() if task.outlets}
    assert outlets == {"promote": [champion_asset("aws_docs_qa")]}
