"""
The job of a task that a person marked failed: nobody waits for it any more, so it is stopped.

The trigger of the waiting task does it within seconds (``on_kill``), when a triggerer has the task in hand. ``outcome``
looks again at the end of the run, and needs no trigger. What tells a mark by hand from a time-out, which must leave
the job running, is a word: a task that ends by itself leaves its error behind, a task that is marked cannot.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.bedrock import BedrockDistillHook, CustomizationJob
from bedrock_distill.statuses import JOB_STATUS, Progress

if TYPE_CHECKING:
    from airflow.sdk import Context

WORD = "ended_by_itself"


@contextmanager
def leaves_word(context: Context) -> Iterator[None]:
    """Leave the name of the error that ends a try; Airflow forgets it when the next try starts."""
    try:
        yield
    except Exception as error:
        context["ti"].xcom_push(key=WORD, value=type(error).__name__)
        raise


def tasks_given_up(states: Mapping[str, Any], ti: Any) -> Iterator[tuple[str, str]]:
    """
    Yield each arm that was training when a person gave it up, and the task that was marked.

    A skipped ``trained`` behind a job that was bought is one too: its run was marked while no task was under way.

    :param states: of all tasks of the run.
    """
    for arm in sorted(task.removesuffix(".trained") for task in states if task.endswith(".trained")):
        submit, trained = f"{arm}.submit", f"{arm}.trained"
        waited = states.get(submit) == "success" and states[trained] in ("failed", "skipped")
        task = trained if waited else submit if states.get(submit) == "failed" else None
        if task and ti.xcom_pull(task_ids=task, key=WORD) is None:
            yield arm, task


def is_running(job: CustomizationJob) -> bool:
    """Tell whether a job has not ended."""
    return JOB_STATUS.get(job.status) is Progress.RUNNING


def stop(hook: BedrockDistillHook, name: str, *, at_most_usd: float | None) -> str | None:
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
    most = f", at most ${at_most_usd:.2f}" if at_most_usd is not None else ""
    return (
        f"Stopped {name} because its task was marked failed. What it trained in {str(lived).split('.', maxsplit=1)[0]}"
        f" is billed{most}. Clear submit with downstream to buy the next attempt."
    )
