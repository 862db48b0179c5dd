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
