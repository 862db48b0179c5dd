from __future__ import annotations

import datetime
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.notify.failures import explained, failure_messages, sweep_failure_messages
from include.distill.core.errors import BudgetExceededError, BudgetUnknownError, DistillError, JobFailedError
from include.distill.notification.message import Message
from tests.distill.conftest import make_use_case

FOUR_LINES = [
    "What happened: tuned.trained of run r failed in attempt 1 of 1: the job failed.",
    "What is left: the data.",
    "What is billed now: nothing by this task.",
    "What to do: clear tuned.submit with downstream.",
]
ERROR = JobFailedError("Details of the job:\n- a\n\n" + "\n".join(FOUR_LINES))
# The tasks of a run, and the tasks that wait for each of them.
AFTER: dict[str, set[str]] = {
    "preflight": {"estimate", "synthesize", "tuned.trained", "tuned.answer", "other.trained", "report", "outcome"},
    "estimate": {"synthesize", "tuned.trained", "tuned.answer", "other.trained", "report", "outcome"},
    "tuned.trained": {"tuned.answer", "report", "outcome"},
    "tuned.release": {"outcome"},
    "other.trained": {"report", "outcome"},
    "synthesize": {"tuned.trained", "tuned.answer", "report", "outcome"},
    "tuned.answer": {"report", "outcome"},
    "report": {"outcome"},
    "outcome": set(),
}
# What failed tasks have stored. The note of an earlier version has no reason.
NOTES = {
    ("estimate", None): {"to_do": "x", "billed": "y", "happened": "$0.15 is expected, but $0.01 is left."},
    ("synthesize", 2): {"to_do": "x", "billed": "y", "happened": "The disk is full."},
    ("synthesize", 3): {"to_do": "x", "billed": "y", "happened": "The disk is full."},
    ("report", None): {"to_do": "x", "billed": "y"},
}
MAPPED = ("synthesize", "tuned.answer")
TEARDOWNS = ("tuned.release", "outcome")


def context(task_id: str, states: Mapping[str, str | None], *, map_index: int = -1, error: Any = ERROR) -> Any:
    ti = SimpleNamespace(
        dag_id="distill_tiny",
        run_id="r",
        task_id=task_id,
        map_index=map_index,
        get_task_states=lambda dag_id, run_ids: {"r": states},
        xcom_pull=lambda task_ids, key, map_indexes=None: NOTES.get((task_ids, map_indexes)),
    )
    task = SimpleNamespace(task_id=task_id, get_flat_relative_ids=lambda upstream: AFTER[task_id])
    tasks = [SimpleNamespace(task_id=name, is_teardown=name in TEARDOWNS, is_mapped=name in MAPPED) for name in AFTER]
    return {"ti": ti, "task": task, "dag": SimpleNamespace(tasks=tasks), "exception": error}


def sent(context: Any) -> list[Message]:
    return list(failure_messages(make_use_case(), context))


def test_the_failure_of_a_run_is_stated_by_its_last_task() -> None:
    (message,) = sent(context("outcome", {"tuned.trained": "failed", "outcome": "failed"}))
    assert (message.event, message.title) == ("failed", "[test] tiny: the run failed")
    assert [*message.lines[:-1]] == FOUR_LINES


def test_the_message_about_a_run_links_to_its_first_failed_tasks() -> None:
    states = {"tuned.answer_2": "failed", "tuned.trained": "success", "synthesize": "failed", "outcome": "failed"}
    (message,) = sent(context("outcome", states))
    links = dict(message.links)
    assert [*links] == ["Failed task tuned.answer[2]", "Failed task synthesize", "Task outcome", "Report", "Runbook"]
    assert links["Failed task tuned.answer[2]"].endswith("/dags/distill_tiny/runs/r/tasks/tuned.answer/mapped/2")
    assert links["Failed task synthesize"].endswith("/dags/distill_tiny/runs/r/tasks/synthesize")
    many = {f"tuned.answer_{number}": "failed" for number in range(9)}
    assert len(sent(context("outcome", many))[0].links) == 6


def test_the_message_about_a_run_gives_the_reasons_of_its_failed_tasks() -> None:
    (message,) = sent(context("outcome", {"estimate": "failed", "report": "failed", "outcome": "failed"}))
    assert message.lines[0] == FOUR_LINES[0]
    assert message.lines[1] == "Why estimate failed: $0.15 is expected, but $0.01 is left."
    assert [*message.lines[2:-1]] == FOUR_LINES[1:]


def test_a_reason_of_several_instances_is_given_once() -> None:
    (message,) = sent(context("outcome", {"synthesize_2": "failed", "synthesize_3": "failed"}))
    assert [line for line in message.lines if line.startswith("Why")] == [
        "Why synthesize[2], synthesize[3] failed: The disk is full."
    ]


@pytest.mark.parametrize("error", [BudgetExceededError, BudgetUnknownError])
@pytest.mark.parametrize("task_id", ["preflight", "estimate"])
def test_a_refusal_by_a_budget_is_an_event_of_the_budget(task_id: str, error: type[DistillError]) -> None:
    (message,) = sent(context(task_id, {task_id: "failed"}, error=error("\n".join(FOUR_LINES))))
    assert (message.event, message.title) == ("budget", "[test] tiny: a monthly budget refused the run")
    assert [*message.lines[:-1]] == FOUR_LINES


def test_failed_tasks_that_cannot_be_read_prevent_no_message() -> None:
    broken = context("outcome", {})
    broken["ti"].get_task_states = lambda **_: 1 / 0
    assert [label for label, _ in sent(broken)[0].links] == ["Task outcome", "Report", "Runbook"]


def test_a_failed_task_is_reported_at_once_if_other_tasks_go_on() -> None:
    (message,) = sent(context("tuned.trained", {"tuned.trained": "failed", "other.trained": "deferred"}))
    assert message.title == "[test] tiny: tuned.trained failed, the other tasks go on"


def test_an_instance_of_a_mapped_task_that_still_runs_is_a_task_that_goes_on() -> None:
    states = {"other.trained": "failed", "tuned.answer_0": "success", "tuned.answer_1": "running"}
    assert len(sent(context("other.trained", states))) == 1
    assert sent(context("other.trained", {**states, "tuned.answer_1": "success"})) == []


@pytest.mark.parametrize(
    "states",
    [
        # Only teardowns and tasks that wait for the failed task are left: `outcome` reports everything soon.
        {"tuned.trained": "failed", "other.trained": "success", "tuned.release": "running", "report": None},
        # Another task failed before.
        {"tuned.trained": "failed", "synthesize": "failed", "other.trained": "running"},
    ],
)
def test_a_failed_task_is_left_to_the_message_about_the_run(states: dict[str, str | None]) -> None:
    assert sent(context("tuned.trained", states)) == []


def test_an_instance_of_a_mapped_task_is_not_taken_for_another_task() -> None:
    states = {"tuned.answer_2": "failed", "tuned.answer_3": "running", "other.trained": "running"}
    (message,) = sent(context("tuned.answer", states, map_index=2))
    assert "tuned.answer[2] failed" in message.title
    assert sent(context("tuned.answer", {**states, "tuned.answer_1": "failed"}, map_index=2)) == []


def test_states_that_cannot_be_read_prevent_no_message() -> None:
    broken = context("tuned.trained", {})
    broken["ti"].get_task_states = lambda **_: 1 / 0
    assert len(sent(broken)) == 1


@pytest.mark.parametrize("task_id", ["tuned.release", "tuned.undeploy", "settle"])
def test_a_task_that_should_stop_the_billing_is_always_reported(task_id: str) -> None:
    (message,) = sent(context(task_id, {task_id: "failed", "synthesize": "failed"}))
    assert message.event == "still_billed"
    assert message.title == f"[test] tiny: {task_id} failed, so what it should stop may still be billed"
    assert [*message.lines[:-1]] == FOUR_LINES


@pytest.mark.parametrize("error", [None, "", RuntimeError("killed\nby the kernel"), "What happened: x"])
def test_a_task_without_four_lines_names_the_task_to_clear(error: Any) -> None:
    lines = explained(context("tuned.trained", {}, error=error))
    assert lines[0].startswith("What happened: tuned.trained of run r failed: ")
    assert lines[-1] == "What to do: read the log of the task. Clear tuned.trained with downstream."


@pytest.mark.parametrize(
    ("minute", "previous", "expected"),
    [(0, "failed", 1), (15, "failed", 0), (45, "failed", 0), (45, "success", 1), (30, None, 1)],
)
def test_a_sweep_that_keeps_failing_is_reported_once_an_hour(minute: int, previous: str | None, expected: int) -> None:
    failed = context("sweep_aws_default_us-east-1", {})
    failed["dag_run"] = SimpleNamespace(run_after=datetime.datetime(2026, 11, 27, 3, minute, tzinfo=datetime.UTC))
    failed["ti"].get_previous_dagrun = lambda: previous and SimpleNamespace(state=previous, run_id="before")
    failed["ti"].get_task_states = lambda **_: {"before": {failed["ti"].task_id: previous}}
    messages = list(sweep_failure_messages(failed))
    assert len(messages) == expected
    assert all(message.event == "still_billed" and message.use_case == "" for message in messages)


def test_a_sweep_is_reported_if_only_another_task_of_the_previous_run_failed() -> None:
    failed = context("sweep_aws_default_us-east-1", {})
    failed["dag_run"] = SimpleNamespace(run_after=datetime.datetime(2026, 11, 27, 3, 45, tzinfo=datetime.UTC))
    failed["ti"].get_previous_dagrun = lambda: SimpleNamespace(state="failed", run_id="before")
    states = {"send_unsent_messages": "failed", failed["ti"].task_id: "success"}
    failed["ti"].get_task_states = lambda **_: {"before": states}
    assert len(list(sweep_failure_messages(failed))) == 1
