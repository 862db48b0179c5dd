"""
Stop the jobs of a run whose tasks a person marked as failed. No task waits for these jobs any more.

The trigger of the waiting task stops its job within seconds. The task ``outcome`` checks again at the end of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.abandoned_jobs import StopResult
from bedrock_distill.lifecycle.abandoned_named_jobs import stop_named_job
from bedrock_distill.lifecycle.other_runs import asked_of, not_stopped
from bedrock_distill.run.task_ids import WAIT, sibling_task
from include.distill.cleanup.tag_values import from_tags
from include.distill.core.errors import NotFoundError, ServiceError

if TYPE_CHECKING:
    from bedrock_distill.hooks.named_jobs import NamedJob, NamedJobs
    from bedrock_distill.lifecycle.run_task import RunTask
    from bedrock_distill.run.access import RunAccess
    from include.distill.config.job_settings import JobSettings
    from include.distill.core.by_hand import ByHand


class MarkedJob(NamedTuple):
    """
    A job whose task a person marked as failed.

    :ivar marked: id of the task that was marked.
    :ivar submit: id of the task that submits the job.
    :ivar tags: the tags that identify the job among the jobs of the run.
    :ivar next_attempt: the task that buys the next attempt, as part of a sentence.
    """

    marked: str
    submit: str
    tags: Mapping[str, str]
    next_attempt: str


@dataclass(frozen=True)
class JobNet:
    """
    Stop the jobs of one kind whose tasks were marked as failed.

    :ivar task: the task that runs this check.
    :ivar jobs: the client for jobs of this kind.
    :ivar kind: the description of jobs of this kind.
    :ivar by_hand: how a person stops such a job.
    :ivar results: what is billed, as the start of a sentence.
    :ivar settings: returns the settings of these jobs in the use case.
    """

    task: RunTask
    jobs: NamedJobs[Any, Any]
    kind: type[NamedJob]
    by_hand: ByHand
    results: str
    settings: Callable[[], JobSettings]

    def stop(self, marked_jobs: Iterable[MarkedJob], ti: Any) -> Iterator[StopResult]:
        """
        Yield a result for each of the jobs that was running.

        :param ti: the task instance that runs this check.
        """
        for job in marked_jobs:
            submitted = ti.xcom_pull(task_ids=job.submit) or {}
            arn, at_most_usd = submitted.get("job_arn") or "", submitted.get("at_most_usd")
            try:
                if not self.settings().stop_when_marked_failed:
                    continue
                awaited = asked_of(sibling_task(job.submit, WAIT), ti)
                running = own_job(self.task, arn) if arn else running_jobs(self.task, self.jobs, self.kind, job.tags)
                for arn in running:
                    if arn in awaited:
                        yield StopResult(not_stopped(f"The {self.kind.noun} {arn}", awaited[arn]))
                    elif message := stop_named_job(
                        self.jobs, arn, at_most_usd=at_most_usd, results=self.results, submit=job.next_attempt
                    ):
                        yield StopResult(message)
            except ServiceError as error:
                what = f"{job.marked} was marked as failed, but its {self.kind.noun} {arn}"
                yield StopResult.failed(what, self.by_hand, arn, self.task.region_name, error)


def own_job(task: RunAccess, arn: str) -> list[str]:
    """Return the ARN of a submitted job; an empty list if the job was deleted or belongs to another environment.

    A user could have edited the task result that names the job.
    """
    try:
        is_own = from_tags(task.hook.tags(arn), "environment") == task.use_case.environment
    except NotFoundError:
        return []
    return [arn] if is_own else []


def running_jobs(
    task: RunAccess, jobs: NamedJobs[Any, Any], kind: type[NamedJob], tags: Mapping[str, str]
) -> Iterator[str]:
    """Yield the ARNs of the running jobs that this run bought with certain tags, even without a result."""
    expected = {"run-key": task.folder.run_key, "environment": task.use_case.environment, **tags}
    for job in jobs.list():
        if kind.statuses.get(job.status) is Progress.RUNNING:
            found = task.hook.tags(job.arn)
            if all(from_tags(found, key) == value for key, value in expected.items()):
                yield job.arn
