"""
Decide whether a clean-up deletes an evaluation job or a prompt optimization job of Bedrock.

A job that has ended costs nothing, but stays in Bedrock's list until someone deletes it. Its results in S3 are a
separate item of the plan.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.cleanup.plan import ListedJob, ResourceKind
from include.distill.cleanup.tag_values import from_tags
from include.distill.core.naming import evaluation_name, optimization_name

_ATTEMPT = re.compile(r"-a([1-9])$", re.ASCII)
# Jobs with these statuses have ended. Bedrock refuses to delete other jobs.
_ENDED = frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped"})


def not_our_job(job: ListedJob, environment: str) -> str | None:
    """
    Return why a job does not belong to an environment; ``None`` if it does.

    The job is ours if it has the name that this pipeline computes from its tags. The name contains hashes of the
    environment, the use case and what the job works on, so a job with copied or changed tags does not count as ours.
    """
    tags = job.tags
    if tags.get("project") != PROJECT_TAG:
        return f"it does not belong to this project: no tag project={PROJECT_TAG}"
    if (owner := from_tags(tags, "environment")) != environment:
        return f"it belongs to environment {owner!r}, and this is environment {environment}"
    if job.name != _name_of(job, environment):
        return "its name does not match its tags, so a tag was copied or changed"
    return None


def not_ended(job: ListedJob) -> str | None:
    """Return why Bedrock would not delete a job; ``None`` if the job has ended."""
    return (
        None if job.status in _ENDED else f"its status is {job.status}, and Bedrock deletes only jobs that have ended"
    )


def _name_of(job: ListedJob, environment: str) -> str:
    number = _ATTEMPT.search(job.name)
    attempt = int(number[1]) if number else 1
    use_case, arm, fingerprint = (_tag(job.tags, key) for key in ("use-case", "arm", "fingerprint"))
    if job.kind is ResourceKind.OPTIMIZATION_JOB:
        return optimization_name(environment, use_case, arm, fingerprint, attempt)
    return evaluation_name(environment, use_case, arm, _tag(job.tags, "evaluator"), fingerprint, attempt)


def _tag(tags: Mapping[str, str], key: str) -> str:
    return from_tags(tags, key) or ""
