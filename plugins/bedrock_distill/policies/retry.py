"""Which errors a retry can mend: the retry policy of every task."""

from __future__ import annotations

from datetime import timedelta

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

_FINAL = {
    InputError: "something given is wrong; asking again cannot help",
    RefusedError: "AWS refused; asking again cannot help",
    SpendCapError: "the cap is reached; a person decides",
    JobFailedError: "the job is over; a person decides",
    ThroughputReleasedError: "the endpoint is gone; provision must be cleared",
    TooManyFailuresError: "rows were retried already",
    PromotionError: "a person decides",
    ReconciliationError: "counts do not add up; a defect",
}

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        *(RetryRule(exception=error, action=RetryAction.FAIL, reason=why) for error, why in _FINAL.items()),
        RetryRule(
            exception=ThrottledError,
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=60),
            reason="the quota refills within the minute",
        ),
    ]
)
