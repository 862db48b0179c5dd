"""Task instances are summarized as steps that a newcomer understands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.local_airflow import progress
from tools.local_airflow.progress import Step, changes, clock, describe, headline, summarize

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


def instance(task_id: str, state: str | None, *, map_index: int = -1, **more: Any) -> dict[str, Any]:
    return {"task_id": task_id, "state": state, "map_index": map_index, "start_date": None, "end_date": None, **more}


def mapped(task_id: str, states: list[str | None]) -> list[dict[str, Any]]:
    return [instance(task_id, state, map_index=index) for index, state in enumerate(states)]


def only_step(instances: list[dict[str, Any]]) -> Step:
    (step,) = summarize(instances, [], NOW)
    return step


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (None, "pending"),
        ("scheduled", "pending"),
        ("queued", "queued"),
        ("running", "running"),
        ("deferred", "waiting"),
        ("up_for_retry", "retrying"),
        ("success", "done"),
        ("failed", "failed"),
        ("upstream_failed", "not run"),
        ("skipped", "not run"),
    ],
)
def test_the_state_of_a_task_is_a_plain_word(state: str | None, word: str) -> None:
    step = only_step([instance("ingest", state)])
    assert step.state == word
    assert step.count == ""


@pytest.mark.parametrize(
    ("states", "word", "count"),
    [
        pytest.param(["success", "running", None], "running", "1/3", id="some running"),
        pytest.param(["success", None, None], "running", "1/3", id="between two instances"),
        pytest.param(["success", "queued"], "queued", "1/2", id="next in line"),
        pytest.param([None, None], "pending", "0/2", id="not started"),
        pytest.param(["success", "success"], "done", "2/2", id="all done"),
        pytest.param(["success", "failed", "success"], "failed", "2/3", id="one failed"),
        pytest.param(["failed", "running"], "running", "0/2", id="one failed, others running"),
        pytest.param(["success", "skipped"], "done", "1/2", id="some skipped"),
        pytest.param(["skipped", "upstream_failed"], "not run", "0/2", id="none run"),
    ],
)
def test_a_mapped_task_is_one_step_with_a_count(states: list[str | None], word: str, count: str) -> None:
    step = only_step(mapped("synthesize", states))
    assert (step.state, step.count) == (word, count)


@given(st.lists(st.sampled_from([None, *progress.WORDS, "a state of a later Airflow"]), min_size=1, max_size=30))
def test_counts_add_up_and_a_finished_step_has_no_unfinished_instance(states: list[str | None]) -> None:
    step = only_step(mapped("judge", states))
    assert step.total == len(states)
    assert step.done == states.count("success")
    unfinished = [state for state in states if progress.WORDS.get(str(state), "pending") not in progress.FINISHED]
    assert (step.state in progress.FINISHED) == (not unfinished)


def test_steps_are_in_the_order_of_the_dag() -> None:
    instances = [instance("report", None), instance("preflight", "success"), instance("new", None)]
    steps = summarize(instances, ["preflight", "synthesize", "report"], NOW)
    assert [step.task_id for step in steps] == ["preflight", "synthesize", "report", "new"]
    assert steps[1].state == "pending"


def test_the_time_of_a_step_runs_until_it_ends() -> None:
    began = {"start_date": "2026-01-01T12:00:00Z"}
    assert only_step([instance("a", "running", **began)]).seconds == 30
    assert only_step([instance("a", "success", **began, end_date="2026-01-01T12:00:10+00:00")]).seconds == 10
    assert only_step([instance("a", None)]).seconds is None


def test_a_line_shows_state_name_count_and_time() -> None:
    step = Step("synthesize", "running", 12, 20, mapped=True, seconds=65.4)
    assert describe(step, 12).split() == ["running", "synthesize", "12/20", "1:05"]


def test_the_headline_mentions_failures_only_when_there_are_some() -> None:
    steps = [Step("a", "done", 1, 1, mapped=False, seconds=1), Step("b", "pending", 0, 1, mapped=False, seconds=None)]
    assert headline(steps, 61) == "1 of 2 steps finished after 1:01"
    failed = Step("c", "failed", 0, 1, mapped=False, seconds=1)
    assert headline([*steps, failed], 61) == "2 of 3 steps finished after 1:01, 1 failed"


def test_only_steps_that_started_or_ended_get_a_line() -> None:
    def steps(*states: str) -> list[Step]:
        return [Step(str(number), state, 0, 1, mapped=False, seconds=None) for number, state in enumerate(states)]

    before, after = steps("pending", "queued", "running", "running"), steps("queued", "running", "running", "done")
    assert [step.task_id for step in changes(before, after)] == ["1", "3"]
    assert [step.task_id for step in changes([], after)] == ["1", "2", "3"]


def test_durations_read_as_a_clock() -> None:
    assert [clock(seconds) for seconds in (None, 0, 59.9, 60, 3725)] == ["", "0:00", "0:59", "1:00", "62:05"]
