"""
Map every AWS status to running, succeeded or failed.

A test compares these tables with the enums in botocore's service model. When a new version of
botocore adds a status, the test fails before a run encounters the status.
"""

from __future__ import annotations

from enum import Enum


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
# A job that is being deleted was not waited for in time. Its results, if there are any, stay in S3.
EVALUATION_STATUS = {
    "InProgress": Progress.RUNNING,
    "Stopping": Progress.RUNNING,
    "Completed": Progress.SUCCEEDED,
    "Failed": Progress.FAILED,
    "Stopped": Progress.FAILED,
    "Deleting": Progress.FAILED,
}
