"""
The job of a task that a person marked failed: nobody waits for it any more, so it is stopped.

The trigger of the waiting task does it within seconds (``on_kill``), when a triggerer has the task in hand. ``outcome``
looks again at the end of the run, and needs no trigger. Airflow does not say who failed a task, so the task does: a try
leaves a word when it starts, and its error when it ends by itself. One that failed while it was under way and had
tries left was marked by hand. Without tries left, Airflow may have failed it, as it can under load (apache/airflow
#71580); then the job is left running, for a clear picks it up.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.bedrock import BedrockDistillHook, CustomizationJob
from bedrock_distill.hooks.statuses import JOB_STATUS, Progress
from bedrock_distill.run.task_ids import SUBMIT, TRAINED, arm_task, arms_with_task

if TYPE_CHECKING:
    from airflow.sdk import Context

ATTEMPT_KEY = "try"
IN_PROGRESS = "under way"
FINAL_ATTEMPT = "under way, the last"


@contextmanager
def record_attempt(context: Context) -> Iterator[None]:
    """Leave a word that a try has started, and the error that ends it; the next try starts without both."""
    ti = context["ti"]
    ti.xcom_push(key=ATTEMPT_KEY, value=IN_PROGRESS if ti.try_number <= ti.max_tries else FINAL_ATTEMPT)
    with record_error(context):
        yield


@contextmanager
def record_error(context: Context) -> Iterator[None]:
    """Leave the name of the error that ends a try which has waited outside meanwhile."""
    try:
        yield
    except Exception as error:
        context["ti"].xcom_push(key=ATTEMPT_KEY, value=type(error).__name__)
        raise


def abandoned_training(states: Mapping[str, Any], ti: Any) -> Iterator[tuple[str, str]]:
    """
    Yield each arm that was training when a person gave it up, and the task that was marked.

    A skipped ``trained`` behind a job that was bought is one too: its run was marked while no task was under way.

    :param states: of all tasks of the run.
    """
    for arm in arms_with_task(states, TRAINED):
        submit, trained = arm_task(arm, SUBMIT), arm_task(arm, TRAINED)
        if states.get(submit) == "failed":
            marked, task = ti.xcom_pull(task_ids=submit, key=ATTEMPT_KEY) == IN_PROGRESS, submit
        elif states.get(submit) == "success" and states[trained] == "failed":
            marked, task = ti.xcom_pull(task_ids=trained, key=ATTEMPT_KEY) == IN_PROGRESS, trained
        else:
            marked, task = (states.get(submit), states[trained]) == ("success", "skipped"), trained
        if marked:
            yield arm, task


def is_running(job: CustomizationJob) -> bool:
    """Tell whether a job has not ended."""
    return JOB_STATUS.get(job.status) is Progress.RUNNING


def stop_job(hook: BedrockDistillHook, name: str, *, at_most_usd: float | None) -> str | None:
    """
    Stop a job and say what was spent; ``None`` when it is not running.

    :param at_most_usd: what the whole training costs.
    :raises ServiceError: it could not be looked up or stopped, and runs on.
    """
    job = hook.find_job(name)
    if job is None or not is_running(job):
        return None
    hook.stop_job(name)
    lived = datetime.datetime.now(datetime.UTC) - job.created
    upper_bound = f", at most ${at_most_usd:.2f}" if at_most_usd is not None else ""
    return (
        f"Stopped {name} because its task was marked failed. What it trained in {str(lived).split('.', maxsplit=1)[0]}"
        f" is billed{upper_bound}. Clear submit with downstream to buy the next attempt."
    )
