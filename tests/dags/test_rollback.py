"""The graph of ``distill_rollback``: what follows what, and what runs after a rejection or a failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk import TriggerRule

from include.distill.config.loader import USE_CASES_FOLDER, load_use_cases
from tests.fakes.dag_parsing import parse, with_use_cases

EDGES = {
    "choose": {"approve_rollback", "start_switch"},
    "approve_rollback": {"switch"},
    "start_switch": {"switch", "settle"},
    "switch": {"switched", "settle"},
    "switched": {"smoke", "restore", "settle"},
    "smoke": {"restore", "settle"},
    "restore": {"settle", "outcome"},
    "settle": {"outcome"},
    "outcome": set(),
}


@pytest.fixture(scope="module")
def dag() -> Any:
    with pytest.MonkeyPatch.context() as monkeypatch:
        return parse(monkeypatch).dags["distill_rollback"]


def test_the_graph_has_the_documented_tasks_and_edges(dag: Any) -> None:
    assert {task.task_id: set(task.downstream_task_ids) for task in dag.tasks} == EDGES


def test_settle_follows_every_change_of_the_endpoint(dag: Any) -> None:
    settle = dag.get_task("settle")
    assert settle.is_teardown
    assert settle.on_failure_fail_dagrun
    assert {task.task_id for task in dag.tasks if task.is_setup} == {"start_switch", "switch", "switched", "smoke"}
    assert settle.upstream_task_ids >= {task.task_id for task in dag.tasks if task.is_setup}


def test_a_rejection_skips_the_change_and_not_the_teardown(dag: Any) -> None:
    approve = dag.get_task("approve_rollback")
    assert not approve.ignore_downstream_trigger_rules
    assert approve.downstream_task_ids == {"switch"}  # Airflow skips only these; the rest follows by its trigger rules
    rules = {task.task_id: task.trigger_rule for task in dag.tasks if not task.is_teardown}
    assert set(rules.values()) == {TriggerRule.ALL_SUCCESS}
    assert "approve_rollback" not in dag.get_task("start_switch").upstream_task_ids


def test_clearing_the_record_also_tries_the_endpoint_again(dag: Any) -> None:
    cleared = dag.partial_subset("restore", include_upstream=False, include_downstream=True).task_ids
    assert set(cleared) >= {"start_switch", "switch", "switched", "smoke", "restore", "settle", "outcome"}


def test_both_tables_of_the_runbook_name_every_task(dag: Any) -> None:
    for heading, without in (("Tasks", set()), ("If a task fails", {"start_switch", "outcome"})):
        (section,) = (part for part in dag.doc_md.split("\n### ") if part.startswith(f"{heading}\n"))
        assert [task for task in EDGES if task not in without and f"`{task}`" not in section] == []


def test_the_form_offers_the_valid_use_cases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bag = with_use_cases(monkeypatch, tmp_path, broken="name: broken\nteachr: x\n")
    assert bag.dags["distill_rollback"].params.get_param("use_case").schema["enum"] == ["aws_docs_qa"]


def test_every_shipped_use_case_can_be_chosen(dag: Any) -> None:
    names = [use_case.name for use_case in load_use_cases(USE_CASES_FOLDER).valid]
    assert dag.params.get_param("use_case").schema["enum"] == names


def test_the_demonstration_has_a_standing_endpoint_and_the_rule_of_the_defaults() -> None:
    raw = yaml.safe_load((USE_CASES_FOLDER / "promote_demo.yaml").read_text(encoding="utf-8"))
    assert raw["promotion"] == {"serve": "on_demand"}
