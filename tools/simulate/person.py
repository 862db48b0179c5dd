"""Answer the question of a task, as a person or Airflow's scheduler does (`hitl.py` of Airflow 3.3.2)."""

from __future__ import annotations

import datetime
from typing import Any

from airflow.sdk.serde import deserialize, serialize

from tools.simulate.clock import VirtualClock
from tools.simulate.dag_run import TaskInstance

ANSWER_SECONDS = 1800.0  # after the question
_DEFAULT = "Reject"  # the default of all questions of the pipeline
_USER = {"id": "1", "name": "ada"}


def answer_question(task: TaskInstance, choice: str | None, clock: VirtualClock) -> str:
    """
    Let the time pass until the question of a task is answered, and resume the task with the answer.

    :param choice: the answer of a person; ``None`` if nobody answers, so that the scheduler takes the default.
    :return: the answer that the task gets.
    """
    clock.sleep((task.answer_by - clock.now) if choice is None else ANSWER_SECONDS)
    arguments: Any = deserialize(task.next_kwargs)
    event = {
        "chosen_options": [choice or _DEFAULT],
        "params_input": {},
        "responded_at": datetime.datetime.now(datetime.UTC),
        "responded_by_user": None if choice is None else _USER,
        "timedout": choice is None,
    }
    task.next_kwargs = serialize({**(arguments or {}), "event": event})
    task.state = "scheduled"
    return choice or _DEFAULT
