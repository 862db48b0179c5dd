"""Check the tasks that ``prompt: optimized`` adds to a base arm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.task_groups.conftest import BASE, CHAMPION, TUNED, sample, tasks

PROMPTED = {"name": "prompted", "kind": "base", "prompt": "optimized"}
GROUP = "prompted.optimize"


@pytest.fixture
def dag_tasks() -> dict[str, Any]:
    return tasks(arms=[BASE, PROMPTED, TUNED], prompt_optimization={"timeout_hours": 5})


def test_a_use_case_without_optimized_prompts_has_no_such_tasks() -> None:
    assert [task for task in tasks(arms=[BASE, TUNED]) if ".optimize." in task] == []


def test_only_the_arm_with_an_optimized_prompt_has_a_job(dag_tasks: dict[str, Any]) -> None:
    assert {task for task in dag_tasks if ".optimize." in task} == {
        f"{GROUP}.{name}" for name in ("submit", "wait", "collect")
    }
    assert dag_tasks["base.answer"].upstream_task_ids == {"evaluation_shards"}


def test_nothing_is_bought_before_the_spend_cap_is_checked_and_the_answers_wait_for_the_prompt(
    dag_tasks: dict[str, Any],
) -> None:
    assert dag_tasks[f"{GROUP}.submit"].upstream_task_ids == {"evaluation_shards"}
    assert dag_tasks[f"{GROUP}.submit"].downstream_task_ids == {f"{GROUP}.wait", f"{GROUP}.collect"}
    assert dag_tasks[f"{GROUP}.wait"].downstream_task_ids == {f"{GROUP}.collect"}
    assert dag_tasks[f"{GROUP}.collect"].downstream_task_ids == {"prompted.answer", "report"}
    answer = dag_tasks["prompted.answer"]
    assert answer.upstream_task_ids == {"evaluation_shards", f"{GROUP}.collect"}
    assert answer.partial_kwargs["optimized"].operator is dag_tasks[f"{GROUP}.collect"]


def test_the_report_gets_the_result_of_the_job_with_the_answers_of_the_arm(dag_tasks: dict[str, Any]) -> None:
    manifests = dag_tasks["report"].arms
    assert manifests["prompted"]["optimized"].operator is dag_tasks[f"{GROUP}.collect"]
    assert "optimized" not in manifests["base"]


def test_the_wait_takes_no_worker_and_uses_the_settings_of_the_use_case(dag_tasks: dict[str, Any]) -> None:
    wait = dag_tasks[f"{GROUP}.wait"]
    assert wait.deferrable
    assert (wait.retries, wait.timeout_seconds, wait.stop_when_marked_failed) == (3, 5 * 3600, True)
    settings = sample(arms=[BASE, PROMPTED, TUNED]).prompt_optimization
    assert wait.poll_interval_seconds == settings.poll_interval_seconds


def test_the_job_can_be_kept_when_its_task_is_marked_as_failed() -> None:
    changed = {"stop_when_marked_failed": False}
    wait = tasks(arms=[BASE, PROMPTED, TUNED], prompt_optimization=changed)[f"{GROUP}.wait"]
    assert not wait.stop_when_marked_failed


def test_the_champion_waits_only_for_the_plain_base_student() -> None:
    started = tasks(arms=[BASE, PROMPTED, CHAMPION, TUNED])["best.start_serving"]
    assert started.upstream_task_ids == {"base.answer", "evaluation_shards"}
