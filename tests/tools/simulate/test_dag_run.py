"""The model decides like Airflow 3.3.2."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule

from tools.simulate.dag_run import DagRun, Graph


def graph(build: Any) -> Graph:
    with DAG("d", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as dag:
        build()
    return Graph(dag)


def task(name: str, **arguments: Any) -> Any:
    return EmptyOperator(task_id=name, retries=2, **arguments)


def served() -> None:
    """An endpoint that is bought, awaited, used and released, and the last task of the run."""
    lease, provision, ready, answer = task("lease"), task("provision"), task("ready"), task("answer")
    release = task("release").as_teardown(setups=[lease, provision, ready], on_failure_fail_dagrun=True)
    outcome = task("outcome").as_teardown(on_failure_fail_dagrun=True)
    lease >> provision >> ready >> answer >> release >> outcome


def run_of(build: Any, **states: str | None) -> DagRun:
    run = DagRun(graph(build), "r", 0.0)
    for name, state in states.items():
        run.tasks[name].state = state
    return run


def ready(run: DagRun) -> list[str]:
    return [one.task_id for one in run.ready()]


def test_tasks_start_in_their_order() -> None:
    run = run_of(served)
    assert ready(run) == ["lease"]
    run.tasks["lease"].state = "success"
    assert ready(run) == ["provision"]


@pytest.mark.parametrize("states", [{"provision": "failed"}, {"provision": "success", "ready": "failed"}])
def test_a_teardown_runs_if_one_setup_succeeded(states: dict[str, str]) -> None:
    run = run_of(served, lease="success", **states)
    assert ready(run) == ["release"]
    assert run.tasks["answer"].state == "upstream_failed"


def test_a_teardown_is_skipped_with_its_setups() -> None:
    run = run_of(served, lease="skipped")
    assert ready(run) == ["outcome"]
    assert run.tasks["release"].state == "skipped"


def test_a_teardown_waits_for_the_tasks_between_it_and_its_setups() -> None:
    run = run_of(served, lease="success", provision="success", ready="success", answer="running")
    assert ready(run) == []


def test_a_failed_teardown_fails_the_run_only_if_it_says_so() -> None:
    states = dict.fromkeys(("lease", "provision", "ready", "answer", "release"), "success")
    run = run_of(served, **states, outcome="failed")
    assert run.end_if_over()
    assert run.state == "failed"


def test_clearing_an_ordinary_task_also_clears_the_setups_and_teardowns_around_it() -> None:
    assert graph(served).cleared_with("answer", downstream=False) == {
        "lease",
        "provision",
        "ready",
        "answer",
        "release",
    }


def test_clearing_a_task_gives_it_all_its_retries_again() -> None:
    run = run_of(served)
    provision = run.tasks["provision"]
    for _ in range(3):
        run.start(provision)
    assert not provision.should_retry
    run.clear({"provision"})
    run.start(provision)
    assert provision.try_number == 4
    assert provision.should_retry


def test_marking_a_run_fails_what_runs_skips_what_waits_and_lets_teardowns_run() -> None:
    run = run_of(served, lease="success", provision="success", ready="deferred")
    run.mark_failed()
    assert [run.tasks[one].state for one in ("ready", "answer", "release")] == ["failed", "skipped", None]
    assert run.state == "running"
    assert ready(run) == ["release"]


def test_a_task_that_continues_after_a_wait_has_no_new_try_number() -> None:
    waiting = run_of(served).tasks["ready"]
    run = run_of(served)
    run.start(waiting)
    waiting.next_method = "execute_complete"
    run.start(waiting)
    assert waiting.try_number == 1


def test_a_trigger_rule_that_the_model_lacks_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="one_success"):
        graph(lambda: task("a", trigger_rule=TriggerRule.ONE_SUCCESS))
