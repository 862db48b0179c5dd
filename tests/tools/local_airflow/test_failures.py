"""A failed run is explained by the last error of each failed task's log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.local_airflow.failures import describe_failures, find_failures, last_error


def raised(kind: str, value: str) -> str:
    detail = [{"exc_type": kind, "exc_value": value, "frames": []}, {"exc_type": "KeyError", "exc_value": "cause"}]
    return json.dumps({"level": "error", "event": "Task failed with exception", "error_detail": detail})


def logged(level: str, event: str) -> str:
    return json.dumps({"level": level, "event": event, "timestamp": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([raised("InputError", "row 3: empty")], "InputError: row 3: empty", id="outermost exception"),
        pytest.param([raised("A", "1"), raised("B", "2")], "B: 2", id="the last one"),
        pytest.param([raised("A", "1"), logged("info", "bye")], "A: 1", id="a line that is not an error"),
        pytest.param([logged("error", "out of memory")], "out of memory", id="an error without an exception"),
        pytest.param([raised("TimeoutError", "")], "TimeoutError", id="an exception without text"),
        pytest.param(["not json", "[1]", "", raised("A", "1"), '{"cut'], "A: 1", id="broken lines"),
        pytest.param([json.dumps({"error_detail": "odd"})], None, id="a detail of another shape"),
        pytest.param([], None, id="empty log"),
    ],
)
def test_the_last_error_is_found(lines: list[str], expected: str | None) -> None:
    assert last_error(lines) == expected


def failed(task_id: str, *, map_index: int = -1, **more: Any) -> dict[str, Any]:
    row = {"dag_id": "d", "dag_run_id": "r", "task_id": task_id, "map_index": map_index, "state": "failed"}
    return {**row, "try_number": 1, "rendered_map_index": None, **more}


def write_log(root: Path, task: str, attempt: int, text: str) -> Path:
    path = root / "dag_id=d" / "run_id=r" / task / f"attempt={attempt}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_failures_are_listed_in_the_order_of_the_dag_with_their_logs(tmp_path: Path) -> None:
    write_log(tmp_path, "task_id=ask/map_index=2", 1, raised("Early", "x"))
    second = write_log(tmp_path, "task_id=ask/map_index=2", 2, raised("Late", "y"))
    instances = [
        failed("outcome"),
        failed("ask", map_index=2, try_number=2, rendered_map_index="doc 17"),
        {**failed("report"), "state": "upstream_failed"},
    ]
    first, last = find_failures(instances, ["ask", "report", "outcome"], tmp_path)
    assert (first.task, first.error, first.log) == ("ask [doc 17]", "Late: y", second)
    assert (last.task, last.error, last.log) == ("outcome", None, None)


def test_an_attempt_without_a_log_is_explained_by_the_previous_attempt(tmp_path: Path) -> None:
    path = write_log(tmp_path, "task_id=ask", 1, raised("A", "1"))
    (failure,) = find_failures([failed("ask", try_number=3)], ["ask"], tmp_path)
    assert (failure.error, failure.log) == ("A: 1", path)


def test_a_failure_without_an_error_in_its_log_points_to_the_scheduler(tmp_path: Path) -> None:
    text = describe_failures(find_failures([failed("ask")], ["ask"], tmp_path), tmp_path / "scheduler.log")
    assert "ask" in text
    assert str(tmp_path / "scheduler.log") in text
