"""Tests of the record of a task's run in the history of its use case."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from airflow.utils.types import DagRunType

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.run.run_history import history_of, record_run
from include.distill.core.errors import RefusedError
from include.distill.history.records import HistoryEntry
from tests.fakes.memory_store import MemoryStore
from tests.fakes.recorded_stats import RecordedStats
from tests.plugins.conftest import FOLDER, RUN_URI

MONTH = "s3://bedrock-distill-training/distill/history/aws_docs_qa/2026-11.json"


@pytest.fixture
def task(equip: Any) -> Any:
    return equip(DistillOperator(task_id="estimate", run_uri=RUN_URI, owner="night-shift"))


def spend(usd: float) -> Any:
    def change(run: HistoryEntry) -> HistoryEntry:
        return {**run, "spent_usd": usd}

    return change


def test_the_first_record_names_the_run_and_has_no_figures(task: Any, store: MemoryStore, context: Any) -> None:
    record = record_run(task, context, lambda run: run)
    assert record == {
        "run_key": FOLDER.run_key,
        "use_case": "aws_docs_qa",
        "dag_id": "d",
        "run_id": "r",
        "owner": "ml-platform",
        "started_at": "2026-11-22T02:00:00+00:00",
        "ended_at": None,
        "state": "running",
        "scheduled": False,
        "estimated_usd": None,
        "spent_usd": None,
        "spent_by_kind": {},
    }
    assert store.writes[-1:] == [MONTH]
    assert history_of(task) == [record]


def test_a_later_change_starts_from_the_stored_record(task: Any, context: Any) -> None:
    record_run(task, context, lambda run: {**run, "estimated_usd": 3.0})
    record_run(task, context, spend(2.0))
    [run] = history_of(task)
    assert (run["estimated_usd"], run["spent_usd"]) == (3.0, 2.0)


def test_a_cleared_run_keeps_its_place_because_its_due_time_does_not_change(task: Any, context: Any) -> None:
    record_run(task, context, spend(2.0))
    context["dag_run"].start_date += datetime.timedelta(days=30)
    record_run(task, context, spend(3.0))
    assert [(run["started_at"], run["spent_usd"]) for run in history_of(task)] == [("2026-11-22T02:00:00+00:00", 3.0)]


@pytest.mark.parametrize(
    ("run_type", "scheduled"), [(DagRunType.SCHEDULED, True), ("scheduled", True), (DagRunType.MANUAL, False)]
)
def test_the_record_says_whether_the_schedule_started_the_run(
    task: Any, context: Any, run_type: object, scheduled: bool
) -> None:
    context["dag_run"].run_type = run_type
    record = record_run(task, context, lambda run: run)
    assert record is not None
    assert record["scheduled"] is scheduled


def test_a_run_without_a_frozen_use_case_has_the_owner_of_its_tasks(
    task: Any, store: MemoryStore, context: Any
) -> None:
    store.delete(FOLDER.use_case)
    record = record_run(task, context, lambda run: run)
    assert record is not None
    assert (record["use_case"], record["owner"]) == ("aws_docs_qa", "night-shift")


def test_a_store_that_refuses_the_history_is_a_warning(
    task: Any, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(uri: str, body: bytes) -> bool:
        raise RefusedError(f"S3 refused {uri}.")

    monkeypatch.setattr(store, "write_if_absent", refuse)
    assert record_run(task, context, spend(1.0)) is None
    assert "RefusedError: S3 refused s3://bedrock-distill-training/distill/history" in capsys.readouterr().out


def test_runs_before_the_wanted_time_are_left_out(task: Any, context: Any) -> None:
    record_run(task, context, spend(1.0))
    assert history_of(task, since=datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)) == []


def test_each_new_record_sends_its_figures_as_metrics(task: Any, context: Any, sent_metrics: RecordedStats) -> None:
    record_run(task, context, lambda run: run)
    assert sent_metrics.values == {}
    record_run(task, context, lambda run: {**run, "spent_usd": 2.0, "spent_by_kind": {"training": 2.0}})
    assert sent_metrics.of("distill.cost_usd") == {"training": 2.0}
