"""Stop a job of any kind after a person marked its task as failed."""

from __future__ import annotations

from typing import Any

from bedrock_distill.hooks.named_jobs import NamedJobs
from bedrock_distill.hooks.statuses import Progress
from bedrock_distill.lifecycle.progress import age_of, whole_job_cost


def stop_named_job(
    jobs: NamedJobs[Any, Any], arn: str, *, at_most_usd: float | None, results: str, submit: str
) -> str | None:
    """
    Stop a job and return a message about its cost; ``None`` if the job is not running.

    :param arn: ARN of a job of this run. The caller has checked that the job belongs to the run.
    :param at_most_usd: cost of the complete job, in US dollars; ``None`` if it is unknown.
    :param results: what is billed, as the start of a sentence.
    :param submit: the task that buys the next attempt.
    :raises ServiceError: the job could not be looked up or stopped, and may be running.
    """
    job = jobs.get(arn)
    if job is None or job.progress is not Progress.RUNNING:
        return None
    jobs.stop(job.arn)
    return (
        f"Stopped {job.noun} {job.name} because its task was marked as failed. The job was created"
        f" {age_of(job.created)} ago. {results} so far are billed{whole_job_cost(at_most_usd)}. To buy the next"
        f" attempt, clear {submit} with downstream."
    )
