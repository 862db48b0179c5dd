"""Define when Airflow retries a task: the retry policy of all tasks, and the number of retries of tasks that defer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from include.distill.core.errors import (
    ChangeInProgressError,
    ConcurrencyLimitError,
    ContractError,
    DeploymentsInProgressError,
    InputError,
    JobFailedError,
    PossiblyBilledError,
    PromotionError,
    ReconciliationError,
    RefusedError,
    SmokeFailedError,
    SpendCapError,
    SwitchFailedError,
    ThrottledError,
    ThroughputFailedError,
    ThroughputReleasedError,
    TooManyFailuresError,
    WaitTimeoutError,
)

_FAIL_AT_ONCE = {
    InputError: "the input is wrong; a retry cannot help",
    RefusedError: "AWS refused the request; a retry cannot help",
    PossiblyBilledError: "AWS may bill the call each time it is sent; a person must decide what to do",
    ContractError: "a response, an error code or a stored file has an unexpected form; a retry cannot help",
    SpendCapError: "the spend cap was reached; a person must decide what to do",
    JobFailedError: "the job failed; a person must decide what to do",
    WaitTimeoutError: "the task has waited for the maximum time; a person must decide whether to wait longer",
    ThroughputFailedError: "the endpoint failed, which is final; `release` deletes it",
    ThroughputReleasedError: "the endpoint is gone, and a retry would not buy a new one",
    TooManyFailuresError: "the failed rows were already retried",
    SwitchFailedError: "Bedrock did not put the model behind the standing endpoint; a person must decide what to do",
    SmokeFailedError: "the standing endpoint gave a bad answer; `settle` puts the recorded champion behind it again",
    PromotionError: "the promotion failed; a person must decide what to do",
    ReconciliationError: "the counts do not add up, which is a bug",
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
        RetryRule(
            exception=DeploymentsInProgressError,
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=3),
            reason="other deployments are being created, which takes a few minutes",
        ),
        RetryRule(
            exception=ChangeInProgressError,
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=3),
            reason="another run is changing the standing endpoint, which takes a few minutes",
        ),
        RetryRule(
            exception=ConcurrencyLimitError,
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=30),
            reason="too many jobs are running; one of them must end first",
        ),
    ]
)

# Airflow 3.3 can fail a task at random when it defers (apache/airflow #71580). A retry finds the same job or endpoint.
DEFERRED_RETRIES: dict[str, Any] = {"retries": 3, "retry_delay": timedelta(seconds=10)}
