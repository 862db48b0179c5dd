"""Delete an evaluation job for a clean-up, and record how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_distill.hooks.evaluations import EvaluationJobs
from include.distill.config.layout import ended_evaluation_uri, evaluation_root
from include.distill.core.storage import write_json_if_absent
from include.distill.managed_evaluation.records import EndedEvaluationJob

if TYPE_CHECKING:
    from bedrock_distill.hooks.bedrock import BedrockDistillHook
    from bedrock_distill.hooks.s3 import S3ObjectStore


def delete_evaluation(hook: BedrockDistillHook, store: S3ObjectStore, arn: str) -> str | None:
    """
    Delete an evaluation job that belongs to this environment; do nothing if it does not exist.

    How the job ended is recorded first, unless the task that waited for the job has recorded it. Without this record, a
    later run would send the job's request token again, and AWS would answer with the deleted job.

    :return: why Bedrock did not delete the job; ``None`` if the job is gone.
    """
    jobs = EvaluationJobs(hook)
    job = jobs.get(arn)
    if job is None:
        return None
    record: EndedEvaluationJob = {
        "job_name": job.name,
        "job_arn": job.arn,
        "status": job.status,
        "message": job.message,
        "output_uri": job.output_uri,
    }
    write_json_if_absent(store, ended_evaluation_uri(evaluation_root(job.dataset_uri), job.name), record)
    return jobs.delete([arn]).get(arn)
