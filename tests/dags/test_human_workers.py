"""The labeling DAG asks human workers only for use cases that name workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from include.distill.config.loader import USE_CASES_FOLDER
from include.distill.labeling.label_params import ASK_WORKERS
from tests.fakes.dag_parsing import with_use_cases

FLOW = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/raters"
SAMPLE = yaml.safe_load((USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Any:
    def use_case(name: str, **human: Any) -> str:
        return yaml.safe_dump({**SAMPLE, "name": name, "evaluations": {"human": human}})

    files = {
        "with_workers": use_case("with_workers", flow_definition_arn=FLOW, wait_days=3, stop_when_marked_failed=False),
        "without_workers": use_case("without_workers", flow_definition_arn="${NOT_SET:-}"),
    }
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder: Path = tmp_path_factory.mktemp("use_cases")
        return with_use_cases(monkeypatch, folder, **files).dags


def test_the_tasks_for_workers_are_between_the_sample_and_the_labels(dags: Any) -> None:
    dag = dags["distill_label__with_workers"]
    submit, wait = dag.get_task("workers.submit"), dag.get_task("workers.wait")
    assert (submit.upstream_task_ids, wait.upstream_task_ids) == (
        {"draw_sample"},
        {"draw_sample", "workers.submit"},
    )
    assert dag.get_task("collect_labels").upstream_task_ids == {"draw_sample", "ask", "workers.wait"}
    # A skipped task skips the next one, and collect_labels runs in any case that is no failure.
    assert {submit.trigger_rule, wait.trigger_rule} == {"all_success"}
    assert dag.get_task("collect_labels").trigger_rule == "none_failed"


def test_a_failed_task_of_the_workers_starts_the_task_that_stops_their_job(dags: Any) -> None:
    stop = dags["distill_label__with_workers"].get_task("workers.stop")
    assert stop.upstream_task_ids == {"draw_sample", "workers.submit", "workers.wait"}
    assert (stop.trigger_rule, stop.downstream_task_ids) == ("one_failed", set())


def test_the_wait_takes_days_in_the_triggerer(dags: Any) -> None:
    wait = dags["distill_label__with_workers"].get_task("workers.wait")
    assert (wait.timeout_seconds, wait.deferrable, wait.stop_when_marked_failed) == (3 * 86_400, True, False)


@pytest.mark.parametrize("name", ["without_workers", "aws_docs_qa"])
def test_without_workers_the_dag_is_as_before(dags: Any, name: str) -> None:
    dag = dags[f"distill_label__{name}"]
    assert {task.task_id for task in dag.tasks} == {"draw_sample", "examples", "ask", "collect_labels"}
    assert ASK_WORKERS not in dag.params.get_param("how").schema["enum"]


def test_the_form_offers_to_ask_the_workers(dags: Any) -> None:
    assert ASK_WORKERS in dags["distill_label__with_workers"].params.get_param("how").schema["enum"]


def test_the_dag_of_the_run_has_no_task_for_human_workers(dags: Any) -> None:
    """It has one run at a time, so it must not wait for people for days."""
    tasks = {task.task_id for task in dags["distill_with_workers"].tasks}
    assert not {task for task in tasks if task.startswith(("workers", "evaluate"))}
