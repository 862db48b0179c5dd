from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.sdk import RetryAction

from bedrock_distill.policies.retry import RETRY_POLICY
from include.distill.core.errors import (
    ChangeInProgressError,
    ConcurrencyLimitError,
    ContractError,
    DailyQuotaError,
    DistillError,
    InvalidRequestError,
    NotFoundError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    SmokeFailedError,
    SwitchFailedError,
    ThrottledError,
    TransientError,
    WaitTimeoutError,
)


@pytest.mark.parametrize(
    "kind",
    [
        RefusedError,
        DailyQuotaError,
        InvalidRequestError,
        NotFoundError,
        ContractError,
        PossiblyBilledError,
        WaitTimeoutError,
        SwitchFailedError,
        SmokeFailedError,
    ],
)
def test_an_error_that_a_person_must_correct_is_not_retried(kind: type[DistillError]) -> None:
    assert RETRY_POLICY.evaluate(kind("x"), 1, 2).action is RetryAction.FAIL


def test_a_transient_error_is_retried_as_the_task_defines() -> None:
    assert RETRY_POLICY.evaluate(TransientError("x"), 1, 2).action is RetryAction.DEFAULT


@pytest.mark.parametrize(
    ("kind", "delay"),
    [
        (ThrottledError, timedelta(seconds=60)),
        (ConcurrencyLimitError, timedelta(minutes=30)),
        (ChangeInProgressError, timedelta(minutes=3)),
    ],
)
def test_a_quota_that_refills_is_retried_later(kind: type[ServiceError], delay: timedelta) -> None:
    decision = RETRY_POLICY.evaluate(kind("x"), 1, 2)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, delay)
