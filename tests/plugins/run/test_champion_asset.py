from __future__ import annotations

import pytest
from airflow.sdk import Asset

from bedrock_distill.run.champion_asset import champion_asset
from tests.plugins.task_groups.conftest import tasks


@pytest.mark.parametrize("name", ["aws_docs_qa", "payroll"])
def test_the_asset_has_the_documented_name_and_uri(name: str) -> None:
    """The DAGs of other teams contain the name and the URI. If either changed, these DAGs would never start."""
    asset = champion_asset(name)
    assert asset == Asset(name=f"distill_champion_{name}", uri=f"distill://champions/{name}")


def test_only_the_promotion_emits_the_event_of_the_asset() -> None:
    asset = champion_asset("aws_docs_qa")
    assert [task_id for task_id, task in tasks().items() if asset in task.outlets] == ["promote"]
