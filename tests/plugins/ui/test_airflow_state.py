"""Test what the pages read from Airflow's own tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bedrock_distill.ui.airflow_state import read_airflow
from tests.plugins.ui.airflow_rows import ASKED, add_run, ask, clear_tables
from tests.plugins.ui.login import create_tables

DAG = "distill_faq"


@pytest.fixture(autouse=True)
def database() -> Iterator[None]:
    create_tables()
    clear_tables()
    yield
    clear_tables()


def test_only_runs_in_progress_of_the_wanted_dags_are_running() -> None:
    for run_id, state in (("a", "running"), ("b", "queued")):
        add_run(f"{DAG}_{run_id}", run_id, state=state)
    add_run(f"{DAG}_c", "c", state="success")
    add_run("other", "d")
    found = read_airflow([f"{DAG}_a", f"{DAG}_b", f"{DAG}_c"])
    assert found.running == {f"{DAG}_a": ["a"], f"{DAG}_b": ["b"]}


def test_an_open_question_links_to_its_page_in_airflow() -> None:
    ask(DAG, "run:1", "approve", version=add_run(DAG, "run:1"))
    (question,) = read_airflow([DAG]).waiting[DAG]
    assert (question.task_id, question.run_id, question.since) == ("approve", "run:1", ASKED)
    assert question.url == f"/dags/{DAG}/runs/run%3A1/tasks/approve/required_actions"


@pytest.mark.parametrize("state", ["deferred", "awaiting_input"])
def test_a_question_is_open_in_each_state_in_which_a_task_can_wait(state: str) -> None:
    ask(DAG, "run", "approve", version=add_run(DAG, "run"), state=state)
    assert DAG in read_airflow([DAG]).waiting


def test_a_question_with_an_answer_or_of_an_ended_task_is_not_open() -> None:
    version = add_run(DAG, "run")
    ask(DAG, "run", "answered", version=version, answered=True)
    ask(DAG, "run", "failed", version=version, state="failed")
    assert read_airflow([DAG]).waiting == {}


def test_a_question_of_a_shared_dag_belongs_to_the_use_case_in_its_form() -> None:
    version = add_run("distill_rollback", "r", conf={"use_case": "faq"})
    ask("distill_rollback", "r", "approve_rollback", version=version)
    ask(DAG, "run", "approve", version=add_run(DAG, "run"))
    found = read_airflow([DAG, "distill_rollback"])
    asked = found.waiting_for("faq", [DAG], shared=["distill_rollback"])
    assert [question.task_id for question in asked] == ["approve", "approve_rollback"]
    assert found.waiting_for("other", ["distill_other"], shared=["distill_rollback"]) == []
