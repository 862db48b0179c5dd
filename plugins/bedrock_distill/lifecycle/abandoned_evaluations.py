"""
Stop an evaluation job after a person marked its task as failed. No task waits for the job any more.

Training jobs are stopped in the same way (:mod:`bedrock_distill.lifecycle.abandoned_jobs`): the trigger of the waiting
task stops the job within seconds, and ``outcome`` checks again at the end of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.evaluations import EvaluationJob, EvaluationJobs
from bedrock_distill.lifecycle.abandoned_jobs import StopResult, marked_task
from bedrock_distill.lifecycle.abandoned_named_jobs import stop_named_job
from bedrock_distill.lifecycle.marked_jobs import JobNet, MarkedJob
from bedrock_distill.run.task_ids import SUBMIT, WAIT, evaluation_groups, evaluation_parts, workers_task
from include.distill.core.by_hand import ByHand

if TYPE_CHECKING:
    from bedrock_distill.lifecycle.run_task import RunTask


def abandoned_evaluations(states: Mapping[str, str | None], ti: Any) -> Iterator[MarkedJob]:
    """
    Yield the evaluation jobs that no task waits for any more.

    This happens if a person marks the job's task ``submit`` or ``wait``, or the whole run, as failed.

    :param states: state by task id, for all tasks of the run.
    :param ti: the task instance that runs this check.
    """
    for group in evaluation_groups(states):
        submit = f"{group}.{SUBMIT}"
        if marked := marked_task(states, ti, submit, f"{group}.{WAIT}"):
            arm, evaluator = evaluation_parts(group)
            tags = {"arm": arm, "evaluator": evaluator}
            yield MarkedJob(marked, submit, tags, f"the task `{SUBMIT}` of the job")


def stop_workers_job(jobs: EvaluationJobs, arn: str, *, at_most_usd: float | None) -> str | None:
    """Stop a job of human workers, whose answers are billed, as :func:`stop_named_job` does."""
    results, submit = "The workers' answers", f"`{workers_task(SUBMIT)}`"
    return stop_named_job(jobs, arn, at_most_usd=at_most_usd, results=results, submit=submit)


def stop_abandoned_evaluations(task: RunTask, states: Mapping[str, str | None], ti: Any) -> Iterator[StopResult]:
    """
    Stop the evaluation jobs whose tasks were marked as failed; yield a result for each job that was running.

    :param task: the task that runs this check.
    :param states: state by task id, for all tasks of the run.
    """
    net = JobNet(
        task,
        EvaluationJobs(task.hook),
        EvaluationJob,
        ByHand.EVALUATION_JOB,
        "Its scores",
        lambda: task.use_case.evaluations.pointwise_settings,
    )
    return net.stop(abandoned_evaluations(states, ti), ti)
