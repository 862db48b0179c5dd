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
    assert (first.task, first.error, first.log) == ("ask[2]", "Late: y", second)
    assert (last.task, last.error, last.log) == ("outcome", None, None)


def test_an_attempt_without_a_log_is_explained_by_the_previous_attempt(tmp_path: Path) -> None:
    path = write_log(tmp_path, "task_id=ask", 1, raised("A", "1"))
    (failure,) = find_failures([failed("ask", try_number=3)], ["ask"], tmp_path)
    assert (failure.error, failure.log) == ("A: 1", path)


def test_a_failure_without_an_error_in_its_log_points_to_the_scheduler(tmp_path: Path) -> None:
    text = describe_failures(find_failures([failed("ask")], ["ask"], tmp_path), tmp_path / "scheduler.log")
    assert "ask" in text
    assert str(tmp_path / "scheduler.log") in text


def test_an_error_is_shown_once_with_all_tasks_that_it_stopped(tmp_path: Path) -> None:
    for number in range(7):
        write_log(tmp_path, f"task_id=ask/map_index={number}", 1, raised("ServiceError", "throttled"))
    write_log(tmp_path, "task_id=answer", 1, raised("ServiceError", "no quota"))
    instances = [failed("ask", map_index=number) for number in range(7)] + [failed("answer")]
    text = describe_failures(find_failures(instances, ["ask", "answer"], tmp_path), tmp_path / "scheduler.log")
    assert text.count("throttled") == 1
    assert text.startswith("  ask (7 of 7)\n")
    assert text.count("no quota") == 1


@pytest.mark.parametrize(
    ("error", "is_shown"),
    [
        ("The run is incomplete. Failed tasks: ask. The log of a failed task says what to do.", False),
        ("The run is incomplete. Failed tasks: ask. Stopped job-1 because its task was marked as failed.", True),
        ("The run is incomplete. Failed tasks: ask. Batch job b could not be stopped and may still be billed.", True),
    ],
)
def test_outcome_is_shown_after_another_failure_only_if_it_names_a_job(
    tmp_path: Path, error: str, is_shown: bool
) -> None:
    write_log(tmp_path, "task_id=ask", 1, raised("InputError", "row 3"))
    write_log(tmp_path, "task_id=outcome", 1, raised("IncompleteRunError", error))
    found = find_failures([failed("ask"), failed("outcome")], ["ask", "outcome"], tmp_path)
    assert (error in describe_failures(found, tmp_path / "scheduler.log")) is is_shown


def test_outcome_is_shown_if_no_other_task_failed(tmp_path: Path) -> None:
    write_log(tmp_path, "task_id=outcome", 1, raised("IncompleteRunError", "Number of tasks that were skipped: 3"))
    found = find_failures([failed("outcome")], ["outcome"], tmp_path)
    assert "skipped: 3" in describe_failures(found, tmp_path / "scheduler.log")


def test_tasks_without_an_error_in_their_logs_are_each_listed(tmp_path: Path) -> None:
    text = describe_failures(find_failures([failed("a"), failed("b")], ["a", "b"], tmp_path), tmp_path / "s.log")
    assert "  a, b\n" in text


def test_instances_without_an_error_are_listed_by_their_number_and_may_have_been_marked(tmp_path: Path) -> None:
    for number in range(20):
        write_log(tmp_path, f"task_id=ask/map_index={number}", 1, logged("info", "working"))
    instances = [failed("ask", map_index=number) for number in (*range(10, 20), *range(10))]
    text = describe_failures(find_failures(instances, ["ask"], tmp_path), tmp_path / "s.log")
    assert text.startswith(
        "  ask (20 of 20)\n    The task's log contains no error. Probably a person marked the run or"
    )
    assert text.count("log:") == 1


def test_few_instances_are_listed_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    instances = [failed("ask", map_index=number) for number in (10, 2)]
    instances.append({**failed("ask", map_index=3), "state": "success"})
    text = describe_failures(find_failures(instances, ["ask"], tmp_path), tmp_path / "s.log")
    assert text.startswith("  ask[2], ask[10]\n")
