"""Check with a fake clock what the log says while the checks of a wait fail, and after that."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest

from bedrock_distill.run import checks as module
from bedrock_distill.run.checks import Checks
from include.distill.core.errors import (
    ContractError,
    ExpiredCredentialsError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
)

START = datetime.datetime(2026, 11, 22, 2, 0, tzinfo=datetime.UTC)


class Clock:
    minutes = 0.0

    def __call__(self) -> datetime.datetime:
        return START + datetime.timedelta(minutes=self.minutes)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "utc_now", clock)
    return clock


@pytest.fixture
def written() -> list[str]:
    return []


@pytest.fixture
def checks(written: list[str], clock: Clock) -> Checks:
    checks = Checks("the Airflow connection aws_other", written.append)
    checks.status = "job is in progress"
    checks.deadline = START + datetime.timedelta(hours=48)
    return checks


def fail(checks: Checks, error: Exception) -> None:
    with checks.repeated():
        raise error


def succeed(checks: Checks) -> None:
    with checks.repeated():
        pass


def test_while_the_checks_succeed_the_line_is_their_status(checks: Checks, written: list[str]) -> None:
    succeed(checks)
    assert (checks.describe(), written) == ("job is in progress", [])


@pytest.mark.parametrize("error", [ThrottledError("get job: 429."), TransientError("get job: 429.")])
def test_a_failed_check_is_named_with_its_error_its_start_and_the_end_of_the_wait(
    checks: Checks, written: list[str], clock: Clock, error: ServiceError
) -> None:
    clock.minutes = 5
    fail(checks, error)
    clock.minutes = 17
    fail(checks, error)
    expected = (
        "The checks have failed for {} (since 02:05:00 UTC). The last error: get job: 429. The check is repeated until"
        " 2026-11-24 02:00 UTC, and then the task fails. Before that: job is in progress"
    )
    assert checks.describe() == expected.format("12 min")
    assert written == [f"{expected.format('0 s')}."]


def test_the_newest_error_is_named(checks: Checks) -> None:
    fail(checks, ThrottledError("429"))
    fail(checks, TransientError("503"))
    assert "503" in checks.describe()
    assert "429" not in checks.describe()


def test_expired_credentials_name_the_connection(checks: Checks, written: list[str]) -> None:
    fail(checks, ExpiredCredentialsError("get job: ExpiredToken."))
    assert "ExpiredToken. Renew the credentials of the Airflow connection aws_other: each check reads" in written[0]


def test_a_check_that_succeeds_again_ends_the_failure(checks: Checks, written: list[str], clock: Clock) -> None:
    fail(checks, ThrottledError("429"))
    clock.minutes = 12
    succeed(checks)
    succeed(checks)
    assert checks.describe() == "job is in progress"
    assert written[1:] == ["The checks succeed again, after 12 min (since 02:00:00 UTC)."]
    clock.minutes = 20
    fail(checks, ThrottledError("429"))
    assert "for 0 s (since 02:20:00 UTC)" in checks.describe()


@pytest.mark.parametrize("error", [RefusedError("denied"), ContractError("418"), KeyError("bug")])
def test_an_error_that_does_not_pass_leaves_the_block(checks: Checks, error: Exception) -> None:
    with pytest.raises(type(error)):
        fail(checks, error)
    assert checks.describe() == "job is in progress"


@pytest.fixture
def present_check(checks: Checks) -> Iterator[None]:
    with checks.repeated():
        yield


@pytest.mark.usefixtures("present_check")
def test_a_check_without_an_answer_is_named(checks: Checks, clock: Clock) -> None:
    assert checks.unanswered() == ""
    clock.minutes = 2
    assert checks.unanswered() == "AWS has not answered the current check for 2 min (since 02:00:00 UTC)"


def test_between_two_checks_no_answer_is_missing(checks: Checks, clock: Clock) -> None:
    succeed(checks)
    clock.minutes = 2
    assert checks.unanswered() == ""
