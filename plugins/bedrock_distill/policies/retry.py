"""Decide which errors are retried: the retry policy of every task, and the retries of tasks that defer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from include.distill.core.errors import (
    InputError,
    JobFailedError,
    PromotionError,
    ReconciliationError,
    RefusedError,
    SpendCapError,
    ThrottledError,
    ThroughputReleasedError,
    TooManyFailuresError,
)

_FAIL_AT_ONCE = {
    InputError: "the input is wrong; a retry cannot help",
    RefusedError: "AWS refused the request; a retry cannot help",
    SpendCapError: "the spend cap is reached; a person must decide",
    JobFailedError: "the job has failed; a person must decide",
    ThroughputReleasedError: "the endpoint is gone; provision must be cleared",
    TooManyFailuresError: "the rows were already retried",
    PromotionError: "a person must decide",
    ReconciliationError: "counts do not add up, which is a defect",
}

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        *(RetryRule(exception=error, action=RetryAction.FAIL, reason=why) for error, why in _FAIL_AT_ONCE.items()),
        RetryRule(
            exception=ThrottledError,
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=60),
            reason="the quota refills within a minute",
        ),
    ]
)

# Airflow 3.3 sometimes fails a deferral at random (apache/airflow #71580). A retry finds the job or endpoint again.
DEFERRED_RETRIES: dict[str, Any] = {"retries": 3, "retry_delay": timedelta(seconds=10)}
