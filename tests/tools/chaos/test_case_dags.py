"""Every case and every random schedule is a DAG of the real operators."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from airflow.sdk import DAG

from tools.chaos.evaluations import evaluations
from tools.chaos.matrix import matrix
from tools.chaos.on_demand import on_demand
from tools.chaos.optimizations import optimizations
from tools.chaos.promotions import promotions
from tools.chaos.random_schedules import ITEMS_OF_A_TASK, SERVED, draw_schedules, write_use_cases
from tools.chaos.rollbacks import rollbacks
from tools.chaos.runner import prepare
from tools.chaos.scenarios import scenarios
from tools.chaos.trial import Case

DAG_FILE = Path(__file__).with_name("dags") / "crash_cases.py"


def test_every_case_and_every_schedule_is_a_dag_of_the_real_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = prepare([*matrix(), *scenarios(), *on_demand(), *promotions(), *rollbacks()], tmp_path)
    runs = draw_schedules(2, 1)
    write_use_cases(tmp_path, runs, 1)
    monkeypatch.setenv("CHAOS_USE_CASES", str(tmp_path))
    dags = {value.dag_id: value for value in runpy.run_path(str(DAG_FILE)).values() if isinstance(value, DAG)}
    assert {f"distill_{key.key}" for key in (*cases, *runs)} <= dags.keys()
    assert "tuned.submit" in dags["distill_c01"].task_ids
    assert "report" not in dags["distill_c01"].task_ids
    assert {*ITEMS_OF_A_TASK, "report"} <= {*dags["distill_w01"].task_ids}
    # By turns, the schedules serve by provisioned throughput and on demand.
    assert {*SERVED} <= {*dags["distill_w01"].task_ids, *dags["distill_w02"].task_ids}
    by_name = {case.name: dags[f"distill_{case.key}"] for case in cases}
    for name, case_dag in by_name.items():
        promotes = {"switch", "switched", "smoke", "promote", "settle"} <= {*case_dag.task_ids}
        assert promotes == name.startswith(("promotion, ", "rollback, ")), name
        assert ("tuned.deploy" in case_dag.task_ids) == name.startswith("on demand, "), name


@pytest.mark.parametrize(
    ("cases", "tasks", "silent", "sensor"),
    [
        (
            evaluations(),
            [*(f"evaluate.base_by_nova-pro.{name}" for name in ("submit", "wait", "collect")), "evaluate.gather"],
            "SilentEvaluationWait",
            "BedrockEvaluationJobSensor",
        ),
        (
            optimizations(),
            [*(f"prompted.optimize.{name}" for name in ("submit", "wait", "collect"))],
            "SilentOptimizationWait",
            "BedrockPromptOptimizationSensor",
        ),
    ],
    ids=["evaluation", "optimization"],
)
def test_the_cases_of_jobs_without_an_endpoint_have_the_tasks_of_one_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cases: list[Case], tasks: list[str], silent: str, sensor: str
) -> None:
    prepared = prepare(cases, tmp_path)
    monkeypatch.setenv("CHAOS_USE_CASES", str(tmp_path))
    loaded = runpy.run_path(str(DAG_FILE))
    dags = {case.name: loaded[f"distill_{case.key}"] for case in prepared}
    for dag in dags.values():
        assert [task for task in dag.task_ids if task.startswith(("evaluate.", "prompted.optimize."))] == tasks
        assert not [task for task in dag.task_ids if task.startswith("tuned.")]
    nets = {name: dag for name, dag in dags.items() if "net:" in name}
    wait = next(task for task in tasks if task.endswith(".wait"))
    classes = {(type(dag.get_task(wait)).__name__, type(dag.get_task("outcome")).__name__) for dag in nets.values()}
    assert classes == {(silent, "RunOutcomeOperator"), (sensor, "LenientOutcome")}


@pytest.mark.parametrize(
    ("prefix", "delete", "wait"), [("", "release", "in_service"), ("on demand, ", "undeploy", "active")]
)
def test_a_case_of_one_safety_net_lacks_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str, delete: str, wait: str
) -> None:
    cases = prepare([case for case in (*scenarios(), *on_demand()) if case.name.startswith(f"{prefix}net: ")], tmp_path)
    monkeypatch.setenv("CHAOS_USE_CASES", str(tmp_path))
    loaded = runpy.run_path(str(DAG_FILE))

    def replaced(name: str) -> tuple[bool, bool]:
        (case,) = [case for case in cases if case.name.startswith(f"{prefix}net: {name}")]
        dag = loaded[f"distill_{case.key}"]
        tasks = [type(dag.get_task(f"tuned.{task}")).__name__ for task in (delete, wait)]
        return tasks[0] == "NoRelease", tasks[1].startswith("Silent")

    assert replaced("teardown alone, waiting task") == (False, True)
    assert replaced("on_kill alone, waiting " + ("task" if prefix else "for the endpoint")) == (True, False)
    assert replaced("release_leftovers alone, run ended") == (True, True)
