from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.task_groups.promotion import MAY_BE_SKIPPED
from tests.plugins.task_groups.conftest import BASE, CHAMPION, PLAIN, TUNED, tasks


def test_by_default_no_person_is_asked_and_no_model_is_deleted() -> None:
    dag_tasks = tasks()
    assert not {"approve", "delete_losers"} & set(dag_tasks)
    assert dag_tasks["promote"].upstream_task_ids >= {"report"}
    assert dag_tasks["promote"].downstream_task_ids == {"outcome"}
    assert dag_tasks["promote"].approval is None


class TestApproval:
    @pytest.fixture
    def dag_tasks(self) -> dict[str, Any]:
        return tasks(promotion={"ask_a_person": True})

    def test_a_person_is_asked_between_report_and_promotion(self, dag_tasks: dict[str, Any]) -> None:
        assert "report" in dag_tasks["approve"].upstream_task_ids
        assert dag_tasks["approve"].downstream_task_ids == {"promote"}
        assert dag_tasks["promote"].approval.operator.task_id == "approve"

    def test_every_endpoint_is_released_before_a_person_is_asked(self, dag_tasks: dict[str, Any]) -> None:
        assert "tuned.undeploy" in dag_tasks["approve"].get_flat_relative_ids(upstream=True)

    def test_the_approval_has_retries_for_an_answer_within_a_second(self, dag_tasks: dict[str, Any]) -> None:
        """Airflow can fail a task if a person answers within a second."""
        assert dag_tasks["approve"].retries == 3


class TestLosers:
    def test_losers_are_deleted_after_the_promotion_even_if_no_arm_was_promoted(self) -> None:
        dag_tasks = tasks(promotion={"delete_losers": True})
        delete = dag_tasks["delete_losers"]
        assert "promote" in delete.upstream_task_ids
        assert delete.trigger_rule == "none_failed", (
            "the task runs after a promotion that succeeded and after one that was skipped"
        )
        assert delete.downstream_task_ids == {"outcome"}

    def test_only_arms_that_this_run_trained_can_win_or_lose(self) -> None:
        dag_tasks = tasks(arms=[BASE, CHAMPION, PLAIN, TUNED], promotion={"delete_losers": True})
        for name in ("promote", "delete_losers"):
            trained = {arm: output.operator.task_id for arm, output in dag_tasks[name].trained.items()}
            assert trained == {"plain": "plain.trained", "tuned": "tuned.trained"}


def test_a_run_that_promotes_no_model_can_succeed() -> None:
    dag_tasks = tasks(promotion={"ask_a_person": True})
    assert set(MAY_BE_SKIPPED) == {"approve", "promote"}
    assert dag_tasks["outcome"].may_be_skipped == MAY_BE_SKIPPED
