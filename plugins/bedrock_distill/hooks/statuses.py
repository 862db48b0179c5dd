"""
Map every AWS status to running, succeeded or failed.

A test compares these tables with the enums in botocore's service model. When a new version of
botocore adds a status, the test fails before a run encounters the status.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from include.distill.core.errors import FAILED_TASK, ContractError


class Progress(Enum):
    """What the status of a job or an endpoint means for a task that waits for it."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


JOB_STATUS = {
    "InProgress": Progress.RUNNING,
    "Stopping": Progress.RUNNING,
    "Completed": Progress.SUCCEEDED,
    "Failed": Progress.FAILED,
    "Stopped": Progress.FAILED,
}
THROUGHPUT_STATUS = {
    "Creating": Progress.RUNNING,
    "Updating": Progress.RUNNING,
    "InService": Progress.SUCCEEDED,
    "Failed": Progress.FAILED,
}
# The service model has no status for a deployment that is being deleted or is gone.
DEPLOYMENT_STATUS = {
    "Creating": Progress.RUNNING,
    "Active": Progress.SUCCEEDED,
    "Failed": Progress.FAILED,
}
# The status of the last update of a deployment's model. If the update fails, the deployment keeps the old model.
DEPLOYMENT_UPDATE_STATUS = {
    "Updating": Progress.RUNNING,
    "UpdateCompleted": Progress.SUCCEEDED,
    "UpdateFailed": Progress.FAILED,
}
# A job that expired or was partially completed counts as succeeded: its answers are stored, and the step sends the
# other questions on demand.
BATCH_STATUS = {
    "Submitted": Progress.RUNNING,
    "Validating": Progress.RUNNING,
    "Scheduled": Progress.RUNNING,
    "InProgress": Progress.RUNNING,
    "Stopping": Progress.RUNNING,
    "Completed": Progress.SUCCEEDED,
    "PartiallyCompleted": Progress.SUCCEEDED,
    "Expired": Progress.SUCCEEDED,
    "Failed": Progress.FAILED,
    "Stopped": Progress.FAILED,
}
# A job with one of these statuses never gets results, except a batch job: the answers that it has are stored.
STOPPED = ("Stopping", "Stopped")
# Somebody deleted a job with the status Deleting before this pipeline saw how it had ended, so it counts as failed.
EVALUATION_STATUS = {
    "InProgress": Progress.RUNNING,
    "Stopping": Progress.RUNNING,
    "Completed": Progress.SUCCEEDED,
    "Failed": Progress.FAILED,
    "Stopped": Progress.FAILED,
    "Deleting": Progress.FAILED,
}
# A partially completed job has results for some models or prompts. The pipeline sends one model and one prompt, and
# `collect` reads in the results whether the prompt was optimized.
OPTIMIZATION_STATUS = {**EVALUATION_STATUS, "PartiallyCompleted": Progress.SUCCEEDED}


def job_progress(job: str, status: str, statuses: Mapping[str, Progress]) -> Progress:
    """
    Return whether a job is running, has succeeded or has failed.

    :param job: the job, as the start of a sentence, such as "Batch job judge-1".
    :param statuses: the statuses of jobs of this kind.
    :raises ContractError: the status is unknown to this pipeline.
    """
    if status not in statuses:
        raise ContractError(
            f"{job} has the unknown status {status!r}.",
            left="The job may be running and billed.",
            to_do="Look at the job in the Bedrock console.",
            then_clear=FAILED_TASK,
        )
    return statuses[status]
