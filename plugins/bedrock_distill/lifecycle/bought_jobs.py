"""Bill the jobs of a run that no result of a task names, because a later job replaced them or their task failed."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.hooks.named_jobs import NamedJobs
from bedrock_distill.hooks.prompt_optimizations import PromptOptimizationJobs
from bedrock_distill.hooks.statuses import JOB_STATUS, Progress
from include.distill.cleanup.tag_values import from_tags
from include.distill.core.ended_jobs import WITH_RESULTS, EndedJobs
from include.distill.core.errors import NotFoundError, ServiceError
from include.distill.cost.bought_jobs import BoughtJobs, bought_job_lines
from include.distill.cost.records import BoughtJobKind, BoughtJobRecord
from include.distill.managed_evaluation.ended_jobs import EndedEvaluationJobs
from include.distill.prompt_optimization.ended_jobs import EndedOptimizationJobs

if TYPE_CHECKING:
    from bedrock_distill.hooks.bedrock import BedrockDistillHook
    from include.distill.config.layout import RunFolder
    from include.distill.core.storage import ObjectStore
    from include.distill.cost.prices import BillLine

log = logging.getLogger(__name__)


def other_job_lines(
    hook: BedrockDistillHook, store: ObjectStore, folder: RunFolder, counted: Collection[str]
) -> list[BillLine]:
    """
    Return the bill lines of the jobs that a run bought, without those that are counted elsewhere.

    A job that did not complete is billed up to its end, at most like a complete job.

    :param counted: names of the jobs that are counted elsewhere.
    """
    lines: list[BillLine] = []
    for record in BoughtJobs(store, folder).all():
        name = record["job_name"]
        if name in counted:
            continue
        try:
            completed = _has_completed(hook, store, folder, record)
        except ServiceError as error:
            log.warning("Bedrock did not say how job %s ended, so the whole job is counted: %s", name, error)
            completed = False
        if completed is not None:
            lines += bought_job_lines(record, completed=completed)
    return lines


def _has_completed(
    hook: BedrockDistillHook, store: ObjectStore, folder: RunFolder, record: BoughtJobRecord
) -> bool | None:
    """Return whether a job has completed; ``None`` if the job was not bought, or another run bought it."""
    name = record["job_name"]
    if record["kind"] == "training":
        job = hook.find_job(name)
        is_own = job is not None and _is_own(hook, job.arn, folder)
        return JOB_STATUS.get(job.status) is Progress.SUCCEEDED if job and is_own else None
    jobs, ended_jobs = _kind(record["kind"], hook, store, folder)
    found = jobs.find(name)
    try:
        if found:
            return found.status in WITH_RESULTS if _is_own(hook, found.arn, folder) else None
    except NotFoundError:  # the job was deleted in the meantime
        pass
    ended = ended_jobs.find(name)
    if ended:
        return ended["status"] in WITH_RESULTS
    return False if store.exists(ended_jobs.missing_uri(name)) else None


def _kind(
    kind: BoughtJobKind, hook: BedrockDistillHook, store: ObjectStore, folder: RunFolder
) -> tuple[NamedJobs[Any, Any], EndedJobs]:
    """Return the client for jobs of a kind, and the records of how such jobs ended."""
    if kind == "optimization":
        return PromptOptimizationJobs(hook), EndedOptimizationJobs(store, folder)
    return EvaluationJobs(hook), EndedEvaluationJobs(store, folder)


def _is_own(hook: BedrockDistillHook, arn: str, folder: RunFolder) -> bool:
    return from_tags(hook.tags(arn), "run-key") == folder.run_key
