"""Delete an evaluation job or a prompt optimization job for a clean-up, and record how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.hooks.named_jobs import NamedJob, NamedJobs
from bedrock_distill.hooks.prompt_optimizations import PromptOptimizationJobs
from include.distill.cleanup.plan import ResourceKind
from include.distill.config.layout import ended_evaluation_uri, ended_optimization_uri, root_of_job
from include.distill.core.ended_jobs import EndedJob
from include.distill.core.storage import write_json_if_absent

if TYPE_CHECKING:
    from collections.abc import Callable

    from bedrock_distill.hooks.bedrock import BedrockDistillHook
    from bedrock_distill.hooks.s3 import S3ObjectStore

JobT = TypeVar("JobT", bound=NamedJob)
RequestT = TypeVar("RequestT")


def delete_evaluation(hook: BedrockDistillHook, store: S3ObjectStore, arn: str) -> str | None:
    """
    Delete an evaluation job that belongs to this environment; do nothing if it does not exist.

    :return: why Bedrock did not delete the job; ``None`` if the job is gone.
    """
    jobs = EvaluationJobs(hook)
    return _delete(jobs, store, arn, lambda job: ended_evaluation_uri(root_of_job(job.dataset_uri), job.name))


def delete_optimization(hook: BedrockDistillHook, store: S3ObjectStore, arn: str) -> str | None:
    """Do the same as :func:`delete_evaluation` for a prompt optimization job."""
    jobs = PromptOptimizationJobs(hook)
    return _delete(jobs, store, arn, lambda job: ended_optimization_uri(root_of_job(job.input_uri), job.name))


# The function that deletes a job of each kind.
JOB_REMOVALS = {
    ResourceKind.EVALUATION_JOB: delete_evaluation,
    ResourceKind.OPTIMIZATION_JOB: delete_optimization,
}


def _delete(
    jobs: NamedJobs[JobT, RequestT], store: S3ObjectStore, arn: str, record_uri: Callable[[JobT], str]
) -> str | None:
    """
    Delete a job and return why Bedrock did not delete it; ``None`` if the job is gone.

    How the job ended is recorded first, unless the task that waited for the job has recorded it. Without this record, a
    later run would send the job's request token again, and AWS would answer with the deleted job.

    :param record_uri: returns where the record of how a job ended is stored.
    """
    job = jobs.get(arn)
    if job is None:
        return None
    record: EndedJob = {
        "job_name": job.name,
        "job_arn": job.arn,
        "status": job.status,
        "message": job.message,
        "output_uri": job.output_uri,
    }
    write_json_if_absent(store, record_uri(job), record)
    return jobs.delete([arn]).get(arn)
