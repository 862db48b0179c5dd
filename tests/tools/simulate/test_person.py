"""A person's answer resumes the task that waits for it, and the default does so when the time is over."""

from __future__ import annotations

from airflow.sdk.serde import deserialize

from tools.simulate.clock import START, VirtualClock
from tools.simulate.dag_run import TaskInstance
from tools.simulate.person import ANSWER_SECONDS, answer_question


def waiting() -> TaskInstance:
    return TaskInstance("approve", 3, "awaiting_input", next_method="execute_complete", answer_by=START + 7200)


def test_the_answer_names_the_person() -> None:
    task, clock = waiting(), VirtualClock()
    assert answer_question(task, "Approve", clock) == "Approve"
    event = deserialize(task.next_kwargs)["event"]  # type: ignore[index, call-overload]
    assert (task.state, clock.now) == ("scheduled", START + ANSWER_SECONDS)
    assert (event["chosen_options"], event["responded_by_user"]["name"]) == (["Approve"], "ada")


def test_without_an_answer_the_default_comes_when_the_time_is_over() -> None:
    task, clock = waiting(), VirtualClock()
    assert answer_question(task, None, clock) == "Reject"
    event = deserialize(task.next_kwargs)["event"]  # type: ignore[index, call-overload]
    assert (clock.now, event["responded_by_user"], event["timedout"]) == (START + 7200, None, True)
