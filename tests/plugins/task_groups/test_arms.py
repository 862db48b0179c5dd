"""Check the order of the arms' tasks, and that an endpoint is always released."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from airflow import sdk

from bedrock_distill.policies.retry import RETRY_POLICY
from include.distill.core.errors import DeploymentsInProgressError
from tests.fakes.airflow_versions import needs_policies
from tests.plugins.task_groups import conftest
from tests.plugins.task_groups.conftest import BASE, CHAMPION, PLAIN, TUNED

SERVING = ("start_serving", "provision", "in_service", "answer", "release")
ENDED = "wait_for_release"
TRAINING = ("merge", "upload", "submit", "trained")


def tasks(mode: str = "provisioned", **changes: Any) -> dict[str, Any]:
    """Return the tasks of the sample's DAG by their ids. By default, it is served by provisioned throughput."""
    return conftest.tasks(**{**changes, "serving": {"mode": mode, **changes.get("serving", {})}})


def steps(dag_tasks: dict[str, Any], arm: str) -> list[str]:
    """Return the names of an arm's tasks."""
    return sorted(task_id.removeprefix(f"{arm}.") for task_id in dag_tasks if task_id.startswith(f"{arm}."))


def test_each_kind_of_arm_has_the_tasks_that_it_needs() -> None:
    dag_tasks = tasks(arms=[BASE, CHAMPION, TUNED])
    assert steps(dag_tasks, "base") == ["answer"]
    assert steps(dag_tasks, "best") == sorted((*SERVING, ENDED))
    assert steps(dag_tasks, "tuned") == sorted((*TRAINING, "wait_for_previous_arm", *SERVING, ENDED))


class TestOnDemand:
    """An arm that may be served on demand has tasks with other names, with the same edges and the same teardown."""

    NAMES: ClassVar = {"provision": "deploy", "in_service": "active", "release": "undeploy"}

    def renamed(self, task_id: str) -> str:
        group, dot, name = task_id.rpartition(".")
        return f"{group}{dot}{self.NAMES.get(name, name)}"

    @pytest.mark.parametrize("mode", ["auto", "on_demand"])
    def test_only_the_names_of_the_tasks_differ(self, mode: str) -> None:
        arms = [BASE, CHAMPION, PLAIN, TUNED]
        by_hour, on_demand = tasks(arms=arms), tasks(mode, arms=arms)
        for task_id, task in by_hour.items():
            other = on_demand[self.renamed(task_id)]
            assert other.upstream_task_ids == {self.renamed(before) for before in task.upstream_task_ids}
            for setting in ("is_setup", "is_teardown", "trigger_rule", "on_failure_fail_dagrun", "pool"):
                assert getattr(other, setting) == getattr(task, setting), (task_id, setting)
        assert len(on_demand) == len(by_hour)

    def test_a_student_that_bedrock_cannot_deploy_has_the_tasks_of_provisioned_throughput(self) -> None:
        region = {"region": "us-west-2", "role_arn": "arn:aws:iam::123456789012:role/r"}
        dag_tasks = tasks("auto", student="llama-3-1-8b", training={"hyperparameters": {}}, aws=region)
        assert "tuned.provision" in dag_tasks
        assert "tuned.deploy" not in dag_tasks

    def test_the_wait_has_the_time_out_of_the_use_case(self) -> None:
        wait = tasks("auto", serving={"poll_interval_seconds": 7, "timeout_minutes": 5})["tuned.active"]
        assert (wait.poll_interval_seconds, wait.timeout_seconds, wait.deferrable) == (7, 300, True)

    @needs_policies
    def test_deploy_is_repeated_for_an_hour_while_other_deployments_are_being_created(self) -> None:
        (rule,) = [rule for rule in RETRY_POLICY.rules if rule.exception is DeploymentsInProgressError]
        deploy = tasks("auto")["tuned.deploy"]
        assert rule.retry_delay is not None
        assert (deploy.retries * rule.retry_delay).total_seconds() == 3600
        decision = RETRY_POLICY.evaluate(exception=DeploymentsInProgressError("2"), try_number=1, max_tries=20)
        assert (decision.action, decision.retry_delay) == (sdk.RetryAction.RETRY, rule.retry_delay)


class TestTrain:
    def test_every_step_uses_the_result_of_the_previous_step(self) -> None:
        dag_tasks = tasks(arms=[BASE, TUNED])
        for before, after in zip(TRAINING, (*TRAINING[1:], "start_serving"), strict=True):
            assert f"tuned.{after}" in dag_tasks[f"tuned.{before}"].downstream_task_ids

    def test_the_training_of_an_arm_does_not_wait_for_another_arm(self) -> None:
        dag_tasks = tasks(arms=[BASE, PLAIN, TUNED])
        before_training = dag_tasks["tuned.trained"].get_flat_relative_ids(upstream=True)
        assert not [task_id for task_id in before_training if task_id.startswith(("plain.", "base."))]

    def test_only_an_arm_that_takes_pairs_waits_for_the_teacher(self) -> None:
        dag_tasks = tasks(arms=[BASE, PLAIN, TUNED])
        assert dag_tasks["tuned.merge"].upstream_task_ids == {"curate"}
        assert dag_tasks["plain.merge"].upstream_task_ids == {"evaluation_shards"}
        assert "estimate" in dag_tasks["plain.merge"].get_flat_relative_ids(upstream=True), "the estimate comes first"

    def test_the_wait_has_the_use_cases_interval_and_time_out(self) -> None:
        training = {
            "poll_interval_seconds": 11,
            "timeout_hours": 3,
            "stall_after_hours": 2,
            "stop_when_marked_failed": False,
        }
        wait = tasks(training=training)["tuned.trained"]
        assert (wait.poll_interval_seconds, wait.timeout_seconds, wait.stall_after_seconds) == (11, 10_800, 7_200)
        assert wait.stop_when_marked_failed is False


class TestServe:
    def test_only_one_arm_is_served_at_a_time(self) -> None:
        dag_tasks = tasks(arms=[BASE, PLAIN, TUNED])
        assert "tuned.wait_for_previous_arm" in dag_tasks["plain.release"].downstream_task_ids
        assert dag_tasks["tuned.wait_for_previous_arm"].downstream_task_ids == {"tuned.start_serving"}
        assert "wait_for_previous_arm" not in steps(dag_tasks, "plain")

    def test_a_failed_arm_does_not_stop_other_arms(self) -> None:
        assert tasks(arms=[BASE, PLAIN, TUNED])["tuned.wait_for_previous_arm"].trigger_rule == "all_done"

    def test_several_arms_are_served_at_a_time_if_the_use_case_allows_it(self) -> None:
        arms = [BASE, {"name": "few"}, {"name": "many"}, {"name": "mixed"}]
        dag_tasks = tasks(arms=arms, serving={"arms_at_a_time": 2})
        waits = {task_id: task for task_id, task in dag_tasks.items() if task_id.endswith(".wait_for_previous_arm")}
        assert {task_id: task.upstream_task_ids for task_id, task in waits.items()} == {
            "mixed.wait_for_previous_arm": {"few.release"}
        }

    def test_the_champion_comes_first_wherever_it_is_listed(self) -> None:
        dag_tasks = tasks(arms=[BASE, PLAIN, CHAMPION])
        assert dag_tasks["plain.wait_for_previous_arm"].upstream_task_ids == {"best.release"}
        assert "wait_for_previous_arm" not in steps(dag_tasks, "best")

    def test_the_champion_answers_after_the_base_student_because_both_may_be_the_same_model(self) -> None:
        dag_tasks = tasks(arms=[BASE, PLAIN, CHAMPION])
        assert dag_tasks["best.start_serving"].upstream_task_ids == {"base.answer", "evaluation_shards"}

    def test_the_wait_has_the_time_out_of_the_use_case(self) -> None:
        wait = tasks(serving={"poll_interval_seconds": 7, "timeout_minutes": 5})["tuned.in_service"]
        assert (wait.poll_interval_seconds, wait.timeout_seconds) == (7, 300)

    @pytest.mark.parametrize("name", ["trained", "in_service"])
    def test_a_waiting_task_takes_no_worker_and_has_retries_for_a_lost_deferral(self, name: str) -> None:
        wait = tasks()[f"tuned.{name}"]
        assert (wait.deferrable, wait.retries) == (True, 3)


class TestRelease:
    @pytest.mark.parametrize("arm", ["tuned", "best"])
    def test_release_is_the_teardown_of_all_tasks_that_lead_to_the_endpoint(self, arm: str) -> None:
        dag_tasks = tasks(arms=[BASE, CHAMPION, TUNED])
        release = dag_tasks[f"{arm}.release"]
        setups = {task_id for task_id, task in dag_tasks.items() if task.is_setup and task_id.startswith(f"{arm}.")}
        assert setups == {f"{arm}.start_serving", f"{arm}.provision", f"{arm}.in_service"}
        assert setups <= release.upstream_task_ids
        assert (release.is_teardown, release.on_failure_fail_dagrun) == (True, True)
        assert release.trigger_rule == "all_done_setup_success"

    def test_the_report_waits_for_the_end_of_release_but_not_for_its_success(self) -> None:
        dag_tasks = tasks(arms=[BASE, CHAMPION, TUNED])
        report = dag_tasks["report"]
        assert report.trigger_rule == "all_success"
        for arm in ("best", "tuned"):
            wait = dag_tasks[f"{arm}.wait_for_release"]
            assert (wait.trigger_rule, wait.upstream_task_ids) == ("all_done", {f"{arm}.release"})
            assert wait.task_id in report.upstream_task_ids
            assert f"{arm}.release" not in report.upstream_task_ids

    def test_release_has_more_retries_than_any_other_task(self) -> None:
        dag_tasks = tasks()
        others = max(task.retries for task_id, task in dag_tasks.items() if task_id != "tuned.release")
        assert dag_tasks["tuned.release"].retries > others

    def test_tasks_between_the_setups_and_release_run_only_if_all_earlier_tasks_succeeded(self) -> None:
        dag_tasks = tasks()
        rules = {dag_tasks[f"tuned.{name}"].trigger_rule.value for name in SERVING[:-1]}
        assert rules == {"all_success"}


class TestAnswer:
    def test_the_base_student_waits_in_the_pool_of_its_model(self) -> None:
        answer = tasks(fan_out={"evaluation_tasks": 2})["base.answer"]
        assert (answer.pool, answer.pool_slots) == ("bedrock_123456789012_nova-micro_us-east-1", 4)

    @pytest.mark.parametrize("arm", ["tuned", "best"])
    def test_an_arm_with_an_endpoint_does_not_wait_in_a_pool_of_a_model(self, arm: str) -> None:
        answer = tasks(arms=[BASE, CHAMPION, TUNED])[f"{arm}.answer"]
        assert (answer.pool, answer.pool_slots) == ("default_pool", 1)

    @pytest.mark.parametrize("arm", ["base", "tuned", "best"])
    def test_every_arm_answers_the_same_shards(self, arm: str) -> None:
        answer = tasks(arms=[BASE, CHAMPION, TUNED])[f"{arm}.answer"]
        assert answer.is_mapped
        assert answer.partial_kwargs["arm"] == arm
        assert answer.expand_input.value["shard"].operator.task_id == "evaluation_shards"
