"""A process asks Airflow whether its task still runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_distill.run.old_copy import is_old_copy, require_running
from include.distill.core.errors import EndedAttemptError


@pytest.mark.parametrize(
    ("states", "is_old"),
    [
        ({"r": {"tuned.deploy": "running"}}, False),
        ({"r": {"tuned.deploy": "success"}}, True),
        ({"r": {"tuned.deploy": "restarting"}}, True),
        ({"r": {"tuned.deploy": None}}, True),
        ({}, True),
    ],
)
def test_a_process_whose_task_does_not_run_is_an_old_copy(states: Any, is_old: bool) -> None:
    def get_task_states(**asked: Any) -> Any:
        assert asked == {"dag_id": "d", "task_ids": ["tuned.deploy"], "run_ids": ["r"]}
        return states

    ti: Any = SimpleNamespace(dag_id="d", run_id="r", task_id="tuned.deploy", get_task_states=get_task_states)
    context: Any = {"ti": ti}
    assert is_old_copy(context) is is_old


def test_an_old_copy_is_stopped_with_the_next_step_and_any_other_copy_goes_on() -> None:
    states = {"r": {"t": "running"}}
    ti: Any = SimpleNamespace(dag_id="d", run_id="r", task_id="t", get_task_states=lambda **_: states)
    context: Any = {"ti": ti}
    words = {"left": "The job is unchanged.", "if_still": "it is needed"}
    require_running(context, "buy the job", **words)
    states["r"]["t"] = "success"
    with pytest.raises(
        EndedAttemptError, match="no longer runs this attempt of t, so this process did not buy the job"
    ):
        require_running(context, "buy the job", **words)
