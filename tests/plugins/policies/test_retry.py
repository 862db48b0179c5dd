from __future__ import annotations

import importlib.util
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from airflow import sdk
from airflow.sdk.exceptions import AirflowFailException

from bedrock_distill.policies import retry
from bedrock_distill.policies.retry import RETRY_POLICY
from include.distill.core.errors import (
    ChangeInProgressError,
    ConcurrencyLimitError,
    ContractError,
    DailyQuotaError,
    DistillError,
    EndedAttemptError,
    InvalidRequestError,
    JobStoppingError,
    NotFoundError,
    NotShownError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    SmokeFailedError,
    SwitchFailedError,
    ThrottledError,
    TransientError,
    WaitTimeoutError,
)
from tests.fakes.airflow_versions import needs_policies

NEW_NAMES = ("ExceptionRetryPolicy", "RetryAction", "RetryRule")


@pytest.fixture
def on_airflow_3_2(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as Airflow 3.2 loads it: ``airflow.sdk`` has no retry policies."""
    find = sdk.__getattr__

    def find_old_names(name: str) -> Any:
        if name in NEW_NAMES:
            raise AttributeError(name)
        return find(name)

    for name in NEW_NAMES:
        monkeypatch.delitem(vars(sdk), name, raising=False)
    monkeypatch.setattr(sdk, "__getattr__", find_old_names)
    spec = importlib.util.spec_from_file_location("retry_on_airflow_3_2", str(retry.__file__))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@needs_policies
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
        EndedAttemptError,
    ],
)
def test_an_error_that_a_person_must_correct_is_not_retried(kind: type[DistillError]) -> None:
    assert RETRY_POLICY.evaluate(kind("x"), 1, 2).action is sdk.RetryAction.FAIL


@needs_policies
def test_a_transient_error_is_retried_as_the_task_defines() -> None:
    assert RETRY_POLICY.evaluate(TransientError("x"), 1, 2).action is sdk.RetryAction.DEFAULT


@needs_policies
@pytest.mark.parametrize(
    ("kind", "delay"),
    [
        (ThrottledError, timedelta(seconds=60)),
        (ConcurrencyLimitError, timedelta(minutes=30)),
        (ChangeInProgressError, timedelta(minutes=3)),
        (JobStoppingError, timedelta(minutes=10)),
        (NotShownError, timedelta(minutes=5)),
    ],
)
def test_a_quota_that_refills_is_retried_later(kind: type[ServiceError], delay: timedelta) -> None:
    decision = RETRY_POLICY.evaluate(kind("x"), 1, 2)
    assert (decision.action, decision.retry_delay) == (sdk.RetryAction.RETRY, delay)


class TestAirflow32:
    """The task itself must prevent the retry of a call that AWS may bill again."""

    def test_there_is_no_policy(self, on_airflow_3_2: ModuleType) -> None:
        assert (on_airflow_3_2.HAS_POLICIES, on_airflow_3_2.RETRY_POLICY) == (False, None)

    @pytest.mark.parametrize(
        ("kind", "repeated"),
        [
            (PossiblyBilledError, False),
            (DailyQuotaError, False),
            (TransientError, True),
            (ThrottledError, True),
            (ConcurrencyLimitError, True),
        ],
    )
    def test_the_same_errors_end_the_task_as_with_a_policy(
        self, on_airflow_3_2: ModuleType, kind: type[DistillError], repeated: bool
    ) -> None:
        task: Any = SimpleNamespace(retries_every_error=False)
        error = kind("x")
        assert on_airflow_3_2.next_attempt(task, error, {}) == (repeated, None)
        on_airflow_3_2.prevent_retry(task, error)
        assert isinstance(error, AirflowFailException) is not repeated
        assert isinstance(error, kind)
        assert type(error).__name__ == kind.__name__

    def test_a_task_whose_dag_sets_no_policy_is_retried_after_every_error(self, on_airflow_3_2: ModuleType) -> None:
        task: Any = SimpleNamespace(retries_every_error=True)
        error = RefusedError("x")
        on_airflow_3_2.prevent_retry(task, error)
        assert type(error) is RefusedError
        assert on_airflow_3_2.next_attempt(task, error, {}).repeated

    @needs_policies
    def test_the_policy_and_the_task_agree_about_every_error(self, on_airflow_3_2: ModuleType) -> None:
        old: Any = SimpleNamespace(retries_every_error=False)
        new: Any = SimpleNamespace(retry_policy=RETRY_POLICY)
        context: Any = {"ti": SimpleNamespace(try_number=1, max_tries=2)}
        errors = [one("x") for one in vars(retry).values() if _is_error(one)]
        assert len(errors) > 15
        for error in errors:
            repeated = retry.next_attempt(new, error, context).repeated
            assert on_airflow_3_2.next_attempt(old, error, context).repeated is repeated, error
            on_airflow_3_2.prevent_retry(old, error)
            assert isinstance(error, AirflowFailException) is not repeated, error


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, DistillError)
