"""
Stop a training job after a person marked its task as failed. No task waits for the job any more.

If the task waits in the triggerer, its trigger stops the job within seconds (``on_kill``). The task ``outcome`` checks
again at the end of the run, and needs no trigger for that. Airflow 3.2 never calls ``on_kill``.

Airflow does not record whether a person marked a task as failed. So each attempt of a task pushes an XCom when it
starts. If the attempt raises an error, it overwrites this XCom with the name of the error class. If a failed task has
retries left and recorded no error, a person marked it as failed. If no retries are left, Airflow itself may have failed
the task (apache/airflow #71580), so the job is not stopped. When a person clears such a task, its next attempt waits
for the same job.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from bedrock_distill.hooks.bedrock import BedrockDistillHook, CustomizationJob
from bedrock_distill.hooks.statuses import JOB_STATUS, Progress
from bedrock_distill.run.task_ids import SUBMIT, TRAINED, arm_task, arms_with_task
from include.distill.core.by_hand import ByHand
from include.distill.core.errors import ServiceError
from include.distill.cost.job_price import describe_cost

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

ATTEMPT_KEY = "try"
IN_PROGRESS = "under way"
FINAL_ATTEMPT = "under way, the last"


class StopResult(NamedTuple):
    """
    What happened to a job that no task waits for.

    ``by_hand`` says how a person can stop the job. It is empty if the job is stopped.
    """

    text: str
    by_hand: str = ""

    @classmethod
    def failed(cls, job: str, kind: ByHand, name: str, region: str | None, error: ServiceError) -> StopResult:
        """
        Return the result for a job that could not be stopped.

        :param job: the job, as the start of a sentence, such as "Batch job judge-1".
        :param name: name or ARN of the job; empty if it is unknown.
        """
        where = kind.ways(name, region) if name else f"on the page {kind.page(region)}"
        return cls(
            f"{job} could not be stopped and may be running and billed: {error.happened}",
            f"To stop the billing without Airflow, stop the job {where}.",
        )


@contextmanager
def record_attempt(context: Context) -> Iterator[None]:
    """
    Record in an XCom that an attempt has started. If the attempt fails, record the name of the error class instead.

    Airflow deletes the XCom before a retry.
    """
    ti = context["ti"]
    ti.xcom_push(key=ATTEMPT_KEY, value=IN_PROGRESS if ti.try_number <= ti.max_tries else FINAL_ATTEMPT)
    with record_error(context):
        yield


@contextmanager
def record_error(context: Context) -> Iterator[None]:
    """Record the name of the error class if an attempt fails. The start of the attempt must already be recorded."""
    try:
        yield
    except Exception as error:
        try:
            context["ti"].xcom_push(key=ATTEMPT_KEY, value=type(error).__name__)
        except Exception:  # `error` matters more than this one, and Airflow's API may have caused both
            log.warning("The error could not be recorded in Airflow", exc_info=True)
        raise


def abandoned_training(states: Mapping[str, str | None], ti: Any) -> Iterator[tuple[str, str]]:
    """
    Yield each arm whose task ``submit`` or ``trained`` a person marked as failed, with the id of that task.

    If ``submit`` succeeded and ``trained`` was skipped, a person marked the whole run as failed while none of its tasks
    was running. Such an arm is included, with the id of ``trained``. If ``submit`` was skipped after an attempt, it was
    waiting for its next attempt at this time, and an earlier attempt may have bought a job whose response was lost.
    Such an arm is included too, with the id of ``submit``.

    :param states: state by task id, for all tasks of the run.
    :param ti: the task instance that runs this check.
    """
    for arm in arms_with_task(states, TRAINED):
        submit, trained = arm_task(arm, SUBMIT), arm_task(arm, TRAINED)
        if states.get(submit) == "failed":
            was_marked, task = ti.xcom_pull(task_ids=submit, key=ATTEMPT_KEY) == IN_PROGRESS, submit
        elif states.get(submit) == "skipped":
            was_marked, task = ti.xcom_pull(task_ids=submit, key=ATTEMPT_KEY) is not None, submit
        elif states.get(submit) == "success" and states[trained] == "failed":
            was_marked, task = ti.xcom_pull(task_ids=trained, key=ATTEMPT_KEY) == IN_PROGRESS, trained
        else:
            was_marked, task = (states.get(submit), states[trained]) == ("success", "skipped"), trained
        if was_marked:
            yield arm, task


def marked_task(states: Mapping[str, str | None], ti: Any, submit: str, wait: str) -> str | None:
    """
    Return which task of a group a person marked as failed; ``None`` if no task was marked.

    The jobs of batches and evaluations have such a group. If ``submit`` succeeded and ``wait`` was skipped, a person
    marked the whole run as failed while none of its tasks was running. In this case, the task is ``wait``.

    If ``submit`` was skipped after an attempt, it was waiting for its next attempt at this time, and an earlier attempt
    may have bought a job whose response was lost. In this case, the task is ``submit``.

    :param states: state by task id, for all tasks of the run.
    :param ti: the task instance that runs this check.
    :param submit: id of the task that submits the jobs.
    :param wait: id of the task that waits for them.
    """
    if "failed" in (states.get(submit), states[wait]):
        marked = submit if states.get(submit) == "failed" else wait
        return marked if ti.xcom_pull(task_ids=marked, key=ATTEMPT_KEY) == IN_PROGRESS else None
    if states.get(submit) == "skipped":
        return submit if ti.xcom_pull(task_ids=submit, key=ATTEMPT_KEY) is not None else None
    return wait if (states.get(submit), states[wait]) == ("success", "skipped") else None


def is_running(job: CustomizationJob) -> bool:
    """Return whether a job is still running."""
    return JOB_STATUS.get(job.status) is Progress.RUNNING


def stop_job(
    hook: BedrockDistillHook, name_or_arn: str, *, at_most_usd: float | None, estimated_usd: float | None = None
) -> str | None:
    """
    Stop a training job and return a message about its cost; ``None`` if the job is not running.

    :param name_or_arn: name or ARN of a job of this run. The caller has checked that the job belongs to the run.
    :param at_most_usd: cost of the complete training, in US dollars; ``None`` if it is unknown.
    :param estimated_usd: the estimated cost of a complete distillation job; ``None`` for other jobs.
    :raises ServiceError: the job could not be looked up or stopped, and may be running.
    """
    job = hook.find_job(name_or_arn)
    if job is None or not is_running(job):
        return None
    hook.stop_job(job.arn)
    age = datetime.datetime.now(datetime.UTC) - job.created
    return (
        f"Stopped {job.name} because its task was marked as failed. The job was created"
        f" {str(age).split('.', maxsplit=1)[0]} ago. Its training so far is billed"
        f"{describe_cost(at_most_usd, estimated_usd)}. To buy the next attempt, clear the arm's"
        f" task `{SUBMIT}` with downstream."
    )
