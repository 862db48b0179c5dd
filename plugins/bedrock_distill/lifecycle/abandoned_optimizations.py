"""Stop a prompt optimization job after a person marked its task as failed. No task waits for the job any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.prompt_optimizations import OptimizationJob, PromptOptimizationJobs
from bedrock_distill.lifecycle.abandoned_jobs import StopResult, marked_task
from bedrock_distill.lifecycle.marked_jobs import JobNet, MarkedJob
from bedrock_distill.run.task_ids import SUBMIT, WAIT, arms_with_optimized_prompt, optimize_task
from include.distill.core.by_hand import ByHand

if TYPE_CHECKING:
    from bedrock_distill.lifecycle.run_task import RunTask


def abandoned_optimizations(states: Mapping[str, str | None], ti: Any) -> Iterator[MarkedJob]:
    """
    Yield the prompt optimization jobs that no task waits for any more.

    This happens if a person marks the job's task ``submit`` or ``wait``, or the whole run, as failed.

    :param states: state by task id, for all tasks of the run.
    :param ti: the task instance that runs this check.
    """
    for arm in arms_with_optimized_prompt(states):
        submit = optimize_task(arm, SUBMIT)
        if marked := marked_task(states, ti, submit, optimize_task(arm, WAIT)):
            yield MarkedJob(marked, submit, {"arm": arm}, f"`{submit}`")


def stop_abandoned_optimizations(task: RunTask, states: Mapping[str, str | None], ti: Any) -> Iterator[StopResult]:
    """
    Stop the prompt optimization jobs whose tasks were marked as failed; yield a result for each running job.

    :param task: the task that runs this check.
    :param states: state by task id, for all tasks of the run.
    """
    net = JobNet(
        task,
        PromptOptimizationJobs(task.hook),
        OptimizationJob,
        ByHand.OPTIMIZATION_JOB,
        "Its tokens",
        lambda: task.use_case.prompt_optimization,
    )
    return net.stop(abandoned_optimizations(states, ti), ti)
