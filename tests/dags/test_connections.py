"""Which tasks use which of a use case's three connections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from include.distill.config.loader import USE_CASES_FOLDER
from tests.fakes.dag_parsing import parse, with_use_cases

PROMOTION = {"switch", "switched", "smoke", "settle", "promote", "delete_losers"}


def connections(dag: Any) -> dict[str, str]:
    """Return the connection of each task that has one."""
    return {
        task.task_id: task.partial_kwargs["aws_conn_id"] if task.is_mapped else task.aws_conn_id
        for task in dag.tasks
        if (task.is_mapped and "aws_conn_id" in task.partial_kwargs) or hasattr(task, "aws_conn_id")
    }


def with_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **aws: str) -> Any:
    raw = yaml.safe_load((USE_CASES_FOLDER / "promote_demo.yaml").read_text(encoding="utf-8"))
    raw["name"] = "standing"
    raw["aws"] = {"conn_id": "aws_run", "role_arn": "${DISTILL_ROLE_ARN}", **aws}
    raw["promotion"]["delete_losers"] = True
    return with_use_cases(monkeypatch, tmp_path, standing=yaml.safe_dump(raw)).dags


def test_only_the_tasks_of_a_promotion_use_its_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dags = with_connections(tmp_path, monkeypatch, promotion_conn_id="aws_promote", clean_up_conn_id="aws_tidy")
    used = connections(dags["distill_standing"])
    assert {task for task, connection in used.items() if connection == "aws_promote"} == PROMOTION
    assert set(used.values()) == {"aws_run", "aws_promote"}
    assert len(used) > 2 * len(PROMOTION)
    swept = connections(dags["distill_release_leftovers"])
    assert "aws_run" in swept.values()
    assert not set(swept.values()) & {"aws_promote", "aws_tidy"}


@pytest.mark.parametrize("aws", [{}, {"promotion_conn_id": "", "clean_up_conn_id": ""}], ids=["not set", "empty"])
def test_without_their_own_connection_promotions_use_that_of_the_run(
    aws: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(connections(with_connections(tmp_path, monkeypatch, **aws)["distill_standing"]).values()) == {"aws_run"}


def test_the_shipped_use_cases_take_their_connections_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILL_PROMOTION_CONN_ID", "aws_promote")
    dags = parse(monkeypatch).dags
    for path in USE_CASES_FOLDER.glob("*.yaml"):
        used = connections(dags[f"distill_{path.stem}"])
        promoting = {task for task, connection in used.items() if connection == "aws_promote"}
        assert promoting
        assert promoting == PROMOTION & set(used)
