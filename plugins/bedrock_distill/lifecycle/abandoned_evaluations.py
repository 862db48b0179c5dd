"""
Stop an evaluation job after a person marked its task as failed. No task waits for the job any more.

Training jobs are stopped in the same way (:mod:`bedrock_distill.lifecycle.abandoned_jobs`): the trigger of the waiting
task stops the job within seconds, and ``outcome`` checks again at the end of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.hooks.statuses import EVALUATION_STATUS, Progress
from bedrock_distill.lifecycle.abandoned_jobs import StopResult, marked_task
from bedrock_distill.lifecycle.abandoned_named_jobs import stop_named_job
from bedrock_distill.run.task_ids import SUBMIT, WAIT, evaluation_groups, evaluation_parts, workers_task
from include.distill.cleanup.tag_values import from_tags
from include.distill.core.by_hand import ByHand
from include.distill.core.errors import NotFoundError, ServiceError

if TYPE_CHECKING:
    from bedrock_distill.lifecycle.run_task import RunTask
    from bedrock_distill.run.access import RunAccess


def abandoned_evaluations(states: Mapping[str, str | None], ti: Any) -> Iterator[tuple[str, str]]:
    """
    Yield each group of tasks for an evaluation job that no task waits for any more, with the task that was marked.

    This happens if a person marks the group's task ``submit`` or ``wait``, or the whole run, as failed.

    :param states: state by task id, for all tasks of the run.
    :param ti: the task instance that runs this check.
    """
    for group in evaluation_groups(states):
        if marked := marked_task(states, ti, f"{group}.{SUBMIT}", f"{group}.{WAIT}"):
            yield group, marked


def stop_evaluation(
    jobs: EvaluationJobs,
    arn: str,
    *,
    at_most_usd: float | None,
    results: str = "Its scores",
    submit: str = f"the task `{SUBMIT}` of the job",
) -> str | None:
    """
    Stop an evaluation job and return a message about its cost; ``None`` if the job is not running.

    :param arn: ARN of a job of this run. The caller has checked that the job belongs to the run.
    :param at_most_usd: cost of the complete job, in US dollars; ``None`` if it is unknown.
    :param results: what is billed, as the start of a sentence.
    :param submit: the task that buys the next attempt.
    :raises ServiceError: the job could not be looked up or stopped, and may be running.
    """
    return stop_named_job(jobs, arn, at_most_usd=at_most_usd, results=results, submit=submit)


def stop_workers_job(jobs: EvaluationJobs, arn: str, *, at_most_usd: float | None) -> str | None:
    """Do the same as :func:`stop_evaluation` for a job of human workers, whose answers are billed."""
    results, submit = "The workers' answers", f"`{workers_task(SUBMIT)}`"
    return stop_evaluation(jobs, arn, at_most_usd=at_most_usd, results=results, submit=submit)


def stop_abandoned_evaluations(task: RunTask, states: Mapping[str, str | None], ti: Any) -> Iterator[StopResult]:
    """
    Stop the evaluation jobs whose tasks were marked as failed; yield a result for each job that was running.

    :param task: the task that runs this check.
    :param states: state by task id, for all tasks of the run.
    """
    jobs = EvaluationJobs(task.hook)
    for group, marked in abandoned_evaluations(states, ti):
        submitted = ti.xcom_pull(task_ids=f"{group}.{SUBMIT}") or {}
        arn, at_most_usd = submitted.get("job_arn") or "", submitted.get("at_most_usd")
        try:
            if not task.use_case.evaluations.pointwise_settings.stop_when_marked_failed:
                continue
            for running in own_job(task, arn) if arn else running_jobs(task, jobs, *evaluation_parts(group)):
                arn = running
                if message := stop_evaluation(jobs, running, at_most_usd=at_most_usd):
                    yield StopResult(message)
        except ServiceError as error:
            what = f"{marked} was marked as failed, but its evaluation job {arn}"
            yield StopResult.failed(what, ByHand.EVALUATION_JOB, arn, task.region_name, error)


def own_job(task: RunAccess, arn: str) -> list[str]:
    """Return the ARN of a submitted job; an empty list if the job was deleted or belongs to another environment.

    A user could have edited the task result that names the job.
    """
    try:
        is_own = from_tags(task.hook.tags(arn), "environment") == task.use_case.environment
    except NotFoundError:
        return []
    return [arn] if is_own else []


def running_jobs(task: RunAccess, jobs: EvaluationJobs, arm: str, evaluator: str) -> Iterator[str]:
    """Yield the ARNs of the running jobs that this run bought for an arm and an evaluator, even without a result."""
    own = {"run-key": task.folder.run_key, "environment": task.use_case.environment}
    expected = {**own, "arm": arm, "evaluator": evaluator}
    for job in jobs.list():
        if EVALUATION_STATUS.get(job.status) is Progress.RUNNING:
            tags = task.hook.tags(job.arn)
            if all(from_tags(tags, key) == value for key, value in expected.items()):
                yield job.arn
