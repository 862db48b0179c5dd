"""Find a promotion that ended because a person marked its run as failed while no task of the run was running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from airflow.sdk.exceptions import AirflowSkipException

from bedrock_distill.run.task_ids import APPROVE, PROMOTE, REPORT, SMOKE, SWITCH, SWITCHED
from include.distill.evaluation.approval import APPROVE as APPROVED

_KEY = "not_promoted"


def skip_promotion(ti: Any, reason: str) -> NoReturn:
    """
    Skip the task that promotes nothing, and store the reason as an XCom of the task.

    Airflow deletes the XCom when the next attempt of the task starts.
    """
    ti.xcom_push(key=_KEY, value=reason)
    raise AirflowSkipException(reason)


def dropped_promotion(states: Mapping[str, str | None], ti: Any) -> frozenset[str]:
    """
    Return the tasks of the promotion that were skipped although a person approved it, nobody had to, or it has begun.

    If a task of the promotion waits for its retry while a person marks the run as failed, Airflow skips the task and
    those after it. A task that skips itself stores the reason (:func:`skip_promotion`).

    :param states: the states of the run's tasks.
    :param ti: the task instance that reads the results of the other tasks.
    """
    change = [task for task in (SWITCH, SWITCHED, SMOKE, PROMOTE) if task in states]
    skipped = [task for task in change if states[task] == "skipped"]
    if not skipped or not (skipped[0] != change[0] or _may_promote(states, ti)):
        return frozenset()
    has_reason = ti.xcom_pull(task_ids=skipped[0], key=_KEY) is not None
    return frozenset() if has_reason else frozenset(skipped)


def _may_promote(states: Mapping[str, str | None], ti: Any) -> bool:
    """
    Return whether a person chose to promote, or nobody was to be asked about the report.

    If a person marked ``approve`` as successful, there is no choice.
    """
    if APPROVE not in states:
        return states.get(REPORT) == "success"
    answer = ti.xcom_pull(task_ids=APPROVE) if states.get(APPROVE) == "success" else None
    return answer is not None and answer["chosen_options"] == [APPROVED]
