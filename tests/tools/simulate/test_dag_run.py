"""The model decides like Airflow 3.3.2."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule

from tools.simulate.dag_run import DagRun, Graph
from tools.simulate.planned_runs import PlannedRun


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
    run = DagRun(graph(build), PlannedRun("r"), 0.0)
    for name, state in states.items():
        run.tasks[name].state = state
    return run


def ready(run: DagRun) -> list[str]:
    return [one.task_id for one in run.ready()]


def test_a_copy_of_a_run_is_not_changed_with_it() -> None:
    run = DagRun(graph(served), PlannedRun("r", configuration={"use_case": "u"}), 0.0)
    run.state = "failed"
    copied = run.copy()
    run.tasks["lease"].state, run.state = "success", "running"
    assert (copied.state, copied.tasks["lease"].state) == ("failed", None)
    assert copied.about.configuration == {"use_case": "u"}


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
    provision.state = "failed"
    run.clear({"provision"})
    run.start(provision)
    assert provision.try_number == 4
    assert provision.should_retry


def test_clearing_a_running_task_repeats_it_without_new_retries() -> None:
    run = run_of(served)
    provision = run.tasks["provision"]
    for _ in range(3):
        run.start(provision)
    run.clear({"provision"})
    assert provision.state is None
    run.start(provision)
    assert provision.try_number == 4
    assert not provision.should_retry


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


class TestMappedTasks:
    """A task that is mapped over the result of ``shards``, and the task after it."""

    @pytest.fixture
    def run(self) -> DagRun:
        def mapped() -> None:
            shards = task("shards")
            work = EmptyOperator.partial(task_id="work", retries=2).expand(doc=shards.output)
            shards >> work >> task("after")

        run = run_of(mapped, shards="success")
        run.tasks["shards"].xcoms["return_value"] = "[7, 8]"
        return run

    def expanded(self, run: DagRun) -> DagRun:
        (unexpanded,) = run.ready()
        assert run.must_expand(unexpanded)
        run.expand(unexpanded)
        return run

    def test_the_instances_exist_once_the_task_can_start(self, run: DagRun) -> None:
        assert [one.label for one in self.expanded(run).ready()] == ["work[0]", "work[1]"]
        assert not any(map(run.must_expand, run.ready()))

    def test_the_later_task_waits_for_all_instances_but_not_after_a_failure(self, run: DagRun) -> None:
        self.expanded(run).tasks["work[0]"].state = "success"
        assert "after" not in ready(run)
        run.tasks["work[0]"].state = "failed"
        run.ready()
        assert run.tasks["after"].state == "upstream_failed"
        assert run.tasks["work[1]"].state is None

    def test_an_instance_is_cleared_with_the_later_tasks_but_without_the_other_instances(self, run: DagRun) -> None:
        for one in self.expanded(run).tasks.values():
            one.state = "success"
        run.clear({"work", "after"}, only=run.tasks["work[1]"])
        assert {label: one.state for label, one in run.tasks.items() if one.state is None} == {
            "work[1]": None,
            "after": None,
        }

    def test_a_task_without_items_is_skipped(self, run: DagRun) -> None:
        run.tasks["shards"].xcoms["return_value"] = "[]"
        assert self.expanded(run).tasks["work"].state == "skipped"

    def test_the_instances_are_copied_into_another_run(self, run: DagRun) -> None:
        again = DagRun(run.graph, PlannedRun("again"), 0.0, self.expanded(run).tasks)
        assert list(again.tasks) == list(run.tasks)

    def test_another_number_of_instances_is_refused(self, run: DagRun) -> None:
        self.expanded(run).tasks["shards"].xcoms["return_value"] = "[7]"
        with pytest.raises(NotImplementedError, match="another number of instances"):
            run.start(run.tasks["work[0]"])
