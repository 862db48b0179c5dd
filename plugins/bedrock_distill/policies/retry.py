"""
Define when Airflow retries a task: the retry policy of all tasks, and the number of retries of tasks that defer.

Airflow has retry policies since 3.3. On Airflow 3.2, an error that must not be retried is also an
``AirflowFailException``, so that a call that AWS may bill is never repeated. All other errors are retried as the task
defines, with the task's own delay.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk.exceptions import AirflowFailException

from include.distill.core.errors import (
    ChangeInProgressError,
    ConcurrencyLimitError,
    ContractError,
    DeploymentsInProgressError,
    EndedAttemptError,
    InputError,
    JobFailedError,
    JobStoppingError,
    NotShownError,
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

if TYPE_CHECKING:
    from airflow.sdk import Context

try:
    from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
except ImportError:
    HAS_POLICIES = False
else:
    HAS_POLICIES = True


class NextAttempt(NamedTuple):
    """Whether Airflow repeats a task, and the delay that the policy sets; ``None`` is the task's own delay."""

    repeated: bool
    delay: timedelta | None


_FAIL_AT_ONCE = {
    InputError: "the input is wrong; a retry cannot help",
    RefusedError: "AWS refused the request; a retry cannot help",
    PossiblyBilledError: "AWS may bill the call each time it is sent; a person must decide what to do",
    ContractError: "a response, an error code or a stored file has an unexpected form; a retry cannot help",
    SpendCapError: "a spend cap or a monthly budget was reached; a person must decide what to do",
    JobFailedError: "the job failed; a person must decide what to do",
    WaitTimeoutError: "the task has waited for the maximum time; a person must decide whether to wait longer",
    ThroughputFailedError: "the endpoint failed, which is final; `release` deletes it",
    EndedAttemptError: "Airflow no longer runs this attempt; a newer one, or a person, decided what happens",
    ThroughputReleasedError: "the endpoint is gone, and a retry would not buy a new one",
    TooManyFailuresError: "the failed rows were already retried",
    SwitchFailedError: "Bedrock did not put the model behind the standing endpoint; a person must decide what to do",
    SmokeFailedError: "the standing endpoint gave a bad answer; `settle` puts the recorded champion behind it again",
    PromotionError: "the promotion failed; a person must decide what to do",
    ReconciliationError: "the counts do not add up, which is a bug",
}

_RETRY_LATER = {
    ThrottledError: (timedelta(seconds=60), "the quota refills within a minute"),
    DeploymentsInProgressError: (
        timedelta(minutes=3),
        "other deployments are being created, which takes a few minutes",
    ),
    ChangeInProgressError: (
        timedelta(minutes=3),
        "another run is changing the standing endpoint, which takes a few minutes",
    ),
    NotShownError: (
        timedelta(minutes=5),
        "a new resource is shown within seconds; one that is missing for five minutes was deleted",
    ),
    JobStoppingError: (timedelta(minutes=10), "a job is being stopped, which takes a few minutes"),
    ConcurrencyLimitError: (timedelta(minutes=30), "too many jobs are running; one of them must end first"),
}


def _retry_policy() -> Any:
    if not HAS_POLICIES:
        return None
    fail = [RetryRule(exception=error, action=RetryAction.FAIL, reason=why) for error, why in _FAIL_AT_ONCE.items()]
    later = [
        RetryRule(exception=error, action=RetryAction.RETRY, retry_delay=delay, reason=why)
        for error, (delay, why) in _RETRY_LATER.items()
    ]
    return ExceptionRetryPolicy(rules=[*fail, *later])


RETRY_POLICY = _retry_policy()


def fails_at_once(error: BaseException) -> bool:
    """Return whether an error must not be retried."""
    return isinstance(error, tuple(_FAIL_AT_ONCE))


def prevent_retry(task: Any, error: BaseException) -> None:
    """
    Add ``AirflowFailException`` to the classes of an error that must not be retried.

    This changes nothing if Airflow has retry policies, or if the task is retried after every error.
    """
    if _must_prevent_retry(task, error):
        kind = type(error)
        error.__class__ = type(kind.__name__, (kind, AirflowFailException), {"__module__": kind.__module__})


def next_attempt(task: Any, error: BaseException, context: Context) -> NextAttempt:
    """Return whether an error lets Airflow repeat a task. Whether the task has attempts left is not checked here."""
    if policy := getattr(task, "retry_policy", None):
        ti = context["ti"]
        decision = policy.evaluate(exception=error, try_number=ti.try_number, max_tries=ti.max_tries, context=context)
        return NextAttempt(decision.action is not RetryAction.FAIL, decision.retry_delay)
    return NextAttempt(not _must_prevent_retry(task, error), None)


def _must_prevent_retry(task: Any, error: BaseException) -> bool:
    return not (HAS_POLICIES or task.retries_every_error) and fails_at_once(error)


# Airflow 3.3 can fail a task at random when it defers (apache/airflow #71580). A retry finds the same job or endpoint.
DEFERRED_RETRIES: dict[str, Any] = {"retries": 3, "retry_delay": timedelta(seconds=10)}
