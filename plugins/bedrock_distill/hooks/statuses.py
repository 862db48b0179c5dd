"""
What each status of AWS means for us; every value of botocore's enums stands here exactly once.

A test compares these tables with botocore's service model: when AWS adds a status, that test fails, not a night.
"""

from __future__ import annotations

from enum import Enum


class Progress(Enum):
    """What a status means."""

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
# A job that ended with what it could answer in time is a success: that is stored, the rest is asked on demand.
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
