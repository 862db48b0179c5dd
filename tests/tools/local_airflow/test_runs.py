"""A run is triggered, followed to its end, and explained when it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.local_airflow import processes, runs
from tools.local_airflow.airflow_api import AirflowApiError
from tools.local_airflow.ports import Ports
from tools.local_airflow.processes import ComponentDiedError, NotReadyError
from tools.local_airflow.runs import FollowedRun, explain_failure, follow_run, trigger_run, wait_for_dag
from tools.local_airflow.settings import Layout, RunRequest


class FakeStack:
    """A stack whose API returns prepared lists. A process of the stack may die."""

    ports = Ports(api=1, simulator=2)

    def __init__(self, state: Path) -> None:
        self.layout = Layout(state=state)
        self.api: Any = self
        self.loaded: Iterator[bool] = iter(())
        self.errors: list[tuple[str, str]] = []
        self.states: Iterator[str] = iter(())
        self.instances: list[dict[str, Any]] = []
        self.triggered: list[dict[str, Any]] = []
        self.dead = False
        self.restarted: list[list[str]] = []
        self.asked: list[dict[str, Any]] = []

    def check(self) -> list[str]:
        if self.dead:
            raise ComponentDiedError("scheduler ended on its own")
        return self.restarted.pop() if self.restarted else []

    def find_dag(self, dag_id: str) -> dict[str, Any] | None:
        return {"dag_id": dag_id} if next(self.loaded, False) else None

    def import_errors(self) -> list[tuple[str, str]]:
        return self.errors

    def trigger(self, dag_id: str, run_id: str, **more: Any) -> None:
        self.triggered.append({"dag_id": dag_id, "run_id": run_id, **more})

    def task_ids(self, dag_id: str) -> list[str]:
        return ["ingest", "report"]

    def run_state(self, dag_id: str, run_id: str) -> str:
        if (state := next(self.states)) == "no answer":
            raise AirflowApiError("GET /dags: Airflow did not answer", None)
        if state == "refused":
            raise AirflowApiError("GET /dags: Airflow answered 404", 404)
        return state

    def questions(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return self.asked

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return self.instances


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    monkeypatch.setattr(processes, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(runs, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(runs, "PARSING_SECONDS", 0.01)
    return FakeStack(tmp_path)


def instance(task_id: str, state: str) -> dict[str, Any]:
    times = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-01T00:00:09Z"}
    return {"dag_id": "d", "dag_run_id": "r", "task_id": task_id, "map_index": -1, "state": state, **times}


def test_a_dag_that_is_loaded_after_a_while_is_awaited(stack: FakeStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.loaded = iter([False, False, True, True])
    stack.restarted = [["dag-processor ended on its own (exit code 137), so it was restarted."]]
    wait_for_dag(stack, "d")
    assert capsys.readouterr().out == "dag-processor ended on its own (exit code 137), so it was restarted.\n"


def test_an_import_error_ends_the_wait_and_is_shown(stack: FakeStack) -> None:
    stack.errors = [("/dags/distill.py", "SyntaxError: invalid syntax\n")]
    with pytest.raises(NotReadyError, match=r"(?s)no run was started.*/dags/distill.py:\nSyntaxError"):
        wait_for_dag(stack, "d")


def test_a_run_is_triggered_with_the_requested_configuration(stack: FakeStack) -> None:
    run_id = trigger_run(stack, RunRequest(documents=7))
    (trigger,) = stack.triggered
    assert (trigger["dag_id"], trigger["run_id"]) == ("distill_aws_docs_qa", run_id)
    assert trigger["conf"] == {"documents": 7, "evaluation_rows": 100}


def test_progress_is_shown_until_the_run_has_ended(stack: FakeStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.states = iter(["running", "running", "success"])
    stack.instances = [instance("ingest", "success")]
    run = follow_run(stack, "d", "r", environ={}, timeout_seconds=60)
    assert (run.dag_id, run.run_id, run.state) == ("d", "r", "success")
    assert capsys.readouterr().out.split() == ["done", "ingest", "0:09"]


def test_a_run_that_takes_too_long_is_stopped_and_the_message_says_how_to_allow_more_time(stack: FakeStack) -> None:
    stack.states = iter(["running"])
    with pytest.raises(NotReadyError, match=r"still running after 0 s.*DISTILL_TIMEOUT_SECONDS"):
        follow_run(stack, "d", "r", environ={}, timeout_seconds=0)


def test_a_dead_process_ends_the_wait_for_the_run(stack: FakeStack) -> None:
    stack.states, stack.dead = iter(["running"]), True
    with pytest.raises(ComponentDiedError):
        follow_run(stack, "d", "r", environ={}, timeout_seconds=60)


def test_a_failed_run_is_explained_by_its_failed_tasks(stack: FakeStack) -> None:
    log = stack.layout.task_logs / "dag_id=d" / "run_id=r" / "task_id=ingest" / "attempt=1.log"
    log.parent.mkdir(parents=True)
    log.write_text(json.dumps({"level": "error", "event": "the file is empty"}))
    stack.instances = [instance("ingest", "failed"), instance("report", "upstream_failed")]
    run = FollowedRun("d", "r", "failed", 1)
    assert explain_failure(stack, run) == f"  ingest\n    the file is empty\n    log: {log}"
    stack.instances = []
    assert str(stack.layout.log_of("scheduler")) in explain_failure(stack, run)


def test_a_restart_of_the_api_does_not_end_the_wait_for_a_run(
    stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.states = iter(["running", "no answer", "no answer", "running", "success"])
    stack.restarted = [["api-server ended on its own (exit code 137), so it was restarted."], []]
    assert follow_run(stack, "d", "r", environ={}, timeout_seconds=60).state == "success"
    assert "api-server ended on its own (exit code 137), so it was restarted." in capsys.readouterr().out


def test_an_api_that_stays_away_or_refuses_ends_the_wait(stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.states = iter(["running", "refused"])
    with pytest.raises(AirflowApiError, match="404"):
        follow_run(stack, "d", "r", environ={}, timeout_seconds=60)
    monkeypatch.setattr(runs, "API_RESTART_SECONDS", 0.0)
    stack.states = iter(["no answer"])
    with pytest.raises(AirflowApiError, match="did not answer"):
        follow_run(stack, "d", "r", environ={}, timeout_seconds=60)


def test_the_time_for_which_a_run_waits_for_a_person_does_not_count(
    stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.states = iter([*["running"] * 20, "success"])
    stack.instances = [instance("approve_spending", "awaiting_input")]
    stack.asked = [
        {
            "subject": "May this run spend?",
            "body": "",
            "created_at": "2026-01-01T00:00:00Z",
            "response_received": False,
            "task_instance": stack.instances[0],
        }
    ]
    run = follow_run(stack, "d", "r", environ={"APPROVE": "ask"}, timeout_seconds=0.001)
    assert run.state == "success"
    assert capsys.readouterr().out.count("required_actions") == 1
