"""Check the tasks that ``evaluations.pointwise`` adds to a DAG."""

from __future__ import annotations

from tests.plugins.task_groups.conftest import sample, tasks

POINTWISE = {"pointwise": {"evaluators": ["nova-pro", "claude-haiku-4-5"], "timeout_hours": 5}}
GROUP = "evaluate.tuned_by_nova-pro"


def test_a_use_case_without_evaluators_has_no_such_tasks() -> None:
    dag_tasks = tasks()
    assert [task for task in dag_tasks if task.startswith("evaluate")] == []
    assert dag_tasks["report"].scores == []


def test_each_arm_and_evaluator_has_a_job_after_the_arms_answers_and_before_the_report() -> None:
    dag_tasks = tasks(evaluations=POINTWISE)
    groups = {task.rpartition(".")[0] for task in dag_tasks if task.startswith("evaluate.")} - {"evaluate"}
    assert groups == {
        f"evaluate.{arm}_by_{model}" for arm in ("base", "tuned") for model in ("nova-pro", "claude-haiku-4-5")
    }
    for group in groups:
        arm = group.removeprefix("evaluate.").partition("_by_")[0]
        assert dag_tasks[f"{group}.submit"].upstream_task_ids == {f"{arm}.answer"}
        assert dag_tasks[f"{group}.submit"].downstream_task_ids == {f"{group}.wait", f"{group}.collect"}
        assert dag_tasks[f"{group}.wait"].downstream_task_ids == {f"{group}.collect"}
        assert dag_tasks[f"{group}.collect"].downstream_task_ids == {"evaluate.gather"}
    assert dag_tasks["report"].scores.operator is dag_tasks["evaluate.gather"]
    assert [value.operator.task_id for value in dag_tasks["evaluate.gather"].scores] == [
        f"evaluate.{arm}_by_{model}.collect" for arm in ("base", "tuned") for model in ("nova-pro", "claude-haiku-4-5")
    ]


def test_only_the_configured_arms_are_scored() -> None:
    dag_tasks = tasks(evaluations={"pointwise": {"evaluators": ["nova-pro"], "arms": ["tuned"]}})
    assert {task for task in dag_tasks if task.startswith("evaluate.")} == {
        *(f"{GROUP}.{name}" for name in ("submit", "wait", "collect")),
        "evaluate.gather",
    }


def test_the_report_does_not_fail_with_an_evaluation_job() -> None:
    dag_tasks = tasks(evaluations=POINTWISE)
    upstream = {task for task in dag_tasks["report"].upstream_task_ids if task.startswith("evaluate.")}
    assert upstream == {"evaluate.gather"}
    assert dag_tasks["evaluate.gather"].trigger_rule == "all_done"


def test_the_release_of_an_endpoint_does_not_wait_for_the_scores() -> None:
    dag_tasks = tasks(evaluations=POINTWISE)
    assert dag_tasks["tuned.undeploy"].upstream_task_ids == {
        "tuned.start_serving",
        "tuned.deploy",
        "tuned.active",
        "tuned.answer",
    }


def test_the_wait_takes_no_worker_and_uses_the_settings_of_the_use_case() -> None:
    wait = tasks(evaluations=POINTWISE)[f"{GROUP}.wait"]
    assert wait.deferrable
    assert (wait.retries, wait.timeout_seconds, wait.kind) == (3, 5 * 3600, "pointwise")
    assert wait.stop_when_marked_failed
    settings = sample(evaluations=POINTWISE).evaluations.pointwise_settings
    assert wait.poll_interval_seconds == settings.poll_interval_seconds
