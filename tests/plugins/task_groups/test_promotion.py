from __future__ import annotations

from typing import Any

import pytest
from airflow import sdk
from airflow.serialization.serialized_objects import DagSerialization

from bedrock_distill.policies.retry import RETRY_POLICY
from bedrock_distill.task_groups.promotion import MAY_BE_SKIPPED
from dags.distill import distill_dag
from include.distill.core.errors import ChangeInProgressError
from tests.fakes.airflow_versions import needs_policies
from tests.plugins.task_groups.conftest import BASE, CHAMPION, PLAIN, TUNED, sample, tasks

CHANGE = ("start_switch", "switch", "switched", "smoke")
AFTER_SMOKE = ("promote", "settle", "delete_losers", "outcome")


def test_by_default_no_person_is_asked_no_model_is_deleted_and_there_is_no_standing_endpoint() -> None:
    dag_tasks = tasks()
    assert not {"approve", "delete_losers", *CHANGE, "settle"} & set(dag_tasks)
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
    assert set(MAY_BE_SKIPPED) == {"approve", "switch", "switched", "smoke", "promote"}
    assert dag_tasks["outcome"].may_be_skipped == MAY_BE_SKIPPED


class TestStandingEndpoint:
    """With `promotion.serve`, the winner is put behind the standing endpoint before it is recorded."""

    @pytest.fixture
    def dag_tasks(self) -> dict[str, Any]:
        return tasks(promotion={"serve": "on_demand", "ask_a_person": True, "delete_losers": True})

    def test_the_endpoint_is_switched_and_tried_before_the_champion_is_recorded(
        self, dag_tasks: dict[str, Any]
    ) -> None:
        for before, after in zip(CHANGE, (*CHANGE[1:], "promote"), strict=True):
            assert after in dag_tasks[before].downstream_task_ids
        assert dag_tasks["promote"].downstream_task_ids == {"settle", "delete_losers"}
        assert {dag_tasks[name].trigger_rule for name in (*CHANGE, "promote")} == {"all_success"}
        promote = dag_tasks["promote"]
        assert (promote.switched.operator.task_id, promote.smoked.operator.task_id) == ("switched", "smoke")

    def test_a_person_is_asked_before_the_endpoint_is_switched(self, dag_tasks: dict[str, Any]) -> None:
        assert dag_tasks["approve"].downstream_task_ids == {"switch", "promote"}
        for name in ("switch", "promote"):
            assert dag_tasks[name].approval.operator.task_id == "approve"

    def test_settle_is_the_teardown_of_every_task_of_the_change(self, dag_tasks: dict[str, Any]) -> None:
        settle = dag_tasks["settle"]
        assert (settle.is_teardown, settle.on_failure_fail_dagrun) == (True, True)
        assert {name for name in CHANGE if dag_tasks[name].is_setup} == set(CHANGE) <= settle.upstream_task_ids
        assert settle.downstream_task_ids == {"delete_losers", "outcome"}
        assert settle.retries == 5

    def test_settle_also_runs_without_a_winner_and_after_a_rejection(self, dag_tasks: dict[str, Any]) -> None:
        """A teardown runs if one of its setups succeeded. A rejection skips only the tasks directly after `approve`."""
        assert dag_tasks["start_switch"].upstream_task_ids == {"report"}
        assert dag_tasks["approve"].ignore_downstream_trigger_rules is False
        assert "start_switch" not in dag_tasks["approve"].downstream_task_ids

    @needs_policies
    def test_switch_is_repeated_for_an_hour_while_another_run_changes_the_endpoint(
        self, dag_tasks: dict[str, Any]
    ) -> None:
        decision = RETRY_POLICY.evaluate(exception=ChangeInProgressError("r"), try_number=1, max_tries=20)
        assert decision.action == sdk.RetryAction.RETRY
        assert decision.retry_delay is not None
        assert (dag_tasks["switch"].retries * decision.retry_delay).total_seconds() == 3600

    def test_the_wait_has_the_time_out_of_the_use_case_and_takes_no_worker(self) -> None:
        serving = {"poll_interval_seconds": 7, "timeout_minutes": 5}
        wait = tasks(promotion={"serve": "on_demand"}, serving=serving)["switched"]
        assert (wait.poll_interval_seconds, wait.timeout_seconds, wait.deferrable, wait.retries) == (7, 300, True, 3)

    @pytest.mark.parametrize(
        ("promotion", "asks"),
        [({"serve": "on_demand"}, False), ({"serve": "provisioned"}, True), ({"serve": "none"}, False)],
    )
    def test_the_price_per_hour_needs_the_task_approve(self, promotion: dict[str, Any], asks: bool) -> None:
        assert ("approve" in tasks(promotion=promotion)) is asks

    @pytest.mark.parametrize(
        ("cleared", "downstream", "expected"),
        [
            ("promote", False, {*CHANGE, "promote", "settle"}),
            ("smoke", True, {*CHANGE, *AFTER_SMOKE}),
            ("switched", True, {*CHANGE, *AFTER_SMOKE}),
            ("switch", True, {*CHANGE, *AFTER_SMOKE}),
            ("approve", True, {*CHANGE, *AFTER_SMOKE, "approve"}),
            ("settle", False, {"settle"}),
            ("delete_losers", False, {"delete_losers"}),
        ],
    )
    def test_clearing_a_task_also_clears_what_must_be_done_again(
        self, cleared: str, downstream: bool, expected: set[str]
    ) -> None:
        promotion = {"serve": "on_demand", "ask_a_person": True, "delete_losers": True}
        dag = DagSerialization.from_dict(DagSerialization.to_dict(distill_dag(sample(promotion=promotion))))
        part = dag.partial_subset([cleared], include_downstream=downstream, include_upstream=False)
        assert set(part.task_ids) == expected
