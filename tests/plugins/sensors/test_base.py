"""Check how every sensor waits, with a sensor whose checks are scripted."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, TypedDict

import pytest
from airflow.sdk.exceptions import TaskDeferred

from bedrock_distill.lifecycle.abandoned_jobs import ATTEMPT_KEY, FINAL_ATTEMPT, IN_PROGRESS
from bedrock_distill.sensors.base import WaitingSensor
from bedrock_distill.triggers.polling import PollingTrigger, ProvisionedThroughputTrigger
from include.distill.core.errors import (
    ExpiredCredentialsError,
    JobFailedError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
    WaitTimeoutError,
)
from tests.fakes.airflow_versions import WITH_POLICY
from tests.plugins.conftest import RUN_URI

FAR = "2100-01-01T00:00:00+00:00"


class DoorManifest(TypedDict):
    checks: int


class DoorSensor(WaitingSensor[DoorManifest]):
    """
    A sensor that waits for a door to open.

    Each check takes the next of ``answers``: an error, or whether the door is open. After the last, the door is shut.
    """

    def __init__(self, *, answers: Sequence[bool | Exception] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.answers = answers
        self.looks = 0

    @property
    def resource(self) -> str:
        return "the door"

    def poll(self) -> DoorManifest | None:
        answer = self.answers[self.looks] if self.looks < len(self.answers) else False
        self.looks += 1
        if isinstance(answer, Exception):
            raise answer
        return {"checks": self.looks} if answer else None

    def trigger(self, **common: Any) -> PollingTrigger:
        return ProvisionedThroughputTrigger(name="door", **common)

    def timeout_error(self, why: str) -> WaitTimeoutError:
        return WaitTimeoutError(f"The door is shut after {self.timeout_seconds:g} s. {why}")


def sensor(*answers: bool | Exception, **changes: Any) -> DoorSensor:
    arguments = {"run_uri": RUN_URI, "poll_interval_seconds": 0.01, "timeout_seconds": 60, **changes}
    return DoorSensor(task_id="door", answers=answers, **arguments)


def event(end: str, message: str = "", deadline: str = FAR) -> Any:
    return {"end": end, "message": message, "deadline": deadline}


def deferred(wait: Any, *arguments: Any) -> tuple[str, dict[str, Any]]:
    """Return the method that resumes the task after its deferral, and the arguments of the trigger."""
    with pytest.raises(TaskDeferred) as raised:
        wait(*arguments)
    return raised.value.method_name, raised.value.trigger.serialize()[1]


@pytest.mark.parametrize("deferrable", [True, False])
class TestFirstCheck:
    def test_a_result_that_is_ready_is_returned_at_once(self, context: Any, deferrable: bool) -> None:
        assert sensor(True, deferrable=deferrable).execute(context) == {"checks": 1}

    @pytest.mark.parametrize("error", [JobFailedError("failed"), TransientError("500")])
    def test_an_error_ends_the_attempt(self, context: Any, deferrable: bool, error: Exception) -> None:
        """Transient errors also end the attempt, because the task has not started to wait and Airflow retries it."""
        with pytest.raises(type(error)):
            sensor(error, deferrable=deferrable).execute(context)


class TestInTheWorker:
    def test_without_deferral_the_sensor_checks_until_the_wait_is_over(self, context: Any) -> None:
        waiting = sensor(False, False, True, deferrable=False, timeout_seconds=30)
        assert waiting.execute(context) == {"checks": 3}

    @pytest.mark.parametrize("fault", [ThrottledError("429"), TransientError("500"), ExpiredCredentialsError("403")])
    def test_transient_errors_do_not_end_the_wait(self, context: Any, fault: ServiceError) -> None:
        waiting = sensor(False, fault, fault, True, deferrable=False, timeout_seconds=30)
        assert waiting.execute(context) == {"checks": 4}

    def test_a_refusal_ends_the_wait(self, context: Any) -> None:
        with pytest.raises(RefusedError, match="denied"):
            sensor(False, RefusedError("denied"), True, deferrable=False, timeout_seconds=30).execute(context)

    def test_the_error_after_a_time_out_says_what_is_still_running(self, context: Any) -> None:
        with pytest.raises(WaitTimeoutError, match=r"The door is shut after 0\.05 s"):
            sensor(deferrable=False, timeout_seconds=0.05).execute(context)


class TestInTheTriggerer:
    def test_the_deadline_of_a_deferral_is_the_time_out_after_the_start(self, context: Any) -> None:
        waiting = sensor(timeout_seconds=3600, aws_conn_id="aws_other", region_name="eu-west-1")
        before = datetime.datetime.now(datetime.UTC)
        method, arguments = deferred(waiting.execute, context)
        assert method == "execute_complete"
        waits_for = datetime.datetime.fromisoformat(arguments.pop("deadline")) - before
        assert 3600 <= waits_for.total_seconds() < 3660
        assert arguments.pop("since") is not None
        assert arguments == {
            "name": "door",
            "poll_interval_seconds": 0.01,
            "aws_conn_id": "aws_other",
            "region_name": "eu-west-1",
            "give_up_when_failed": True,
            "usd_per_hour": None,
            "waits_for": "its work to be done",
            "status": "",
        }

    def test_a_result_that_is_ready_at_wake_up_is_returned(self) -> None:
        assert sensor(True).execute_complete({}, event("ended")) == {"checks": 1}

    def test_an_event_is_only_a_hint_and_the_wait_continues_until_the_same_deadline(self) -> None:
        method, arguments = deferred(sensor(False).execute_complete, {}, event("ended"))
        assert (method, arguments["deadline"]) == ("execute_complete", FAR)

    def test_the_error_at_the_deadline_says_what_is_still_running(self) -> None:
        with pytest.raises(WaitTimeoutError, match="The door is shut"):
            sensor(False).execute_complete({}, event("deadline"))

    @pytest.mark.parametrize("fault", [ThrottledError("429"), TransientError("500"), ExpiredCredentialsError("403")])
    def test_an_error_at_the_deadline_is_part_of_the_time_out_and_is_not_retried(
        self, context: Any, fault: ServiceError
    ) -> None:
        waiting = sensor(fault, aws_conn_id="aws_other", retries=3, **WITH_POLICY)
        context["ti"].try_number = 1
        with pytest.raises(WaitTimeoutError, match="The door is shut") as error:
            waiting.resume_execution("execute_complete", {"event": event("deadline")}, context)
        assert f"The last error: {fault.happened}" in str(error.value)
        assert ("the Airflow connection aws_other" in str(error.value)) is (fault.happened == "403")
        assert "Airflow repeats" not in str(error.value)

    def test_a_result_that_is_ready_at_the_last_moment_is_not_a_time_out(self) -> None:
        assert sensor(True).execute_complete({}, event("deadline")) == {"checks": 1}

    def test_a_refusal_in_the_triggerer_reaches_the_task_with_its_message(self, context: Any) -> None:
        waiting = sensor(False)
        with pytest.raises(RefusedError, match="denied") as error:
            waiting.resume_execution("execute_complete", {"event": event("refused", "denied")}, context)
        assert "changed neither the door nor anything else" in str(error.value)
        assert str(error.value).lower().endswith("clear door with downstream.")

    def test_after_a_refusal_in_the_triggerer_the_task_checks_itself(self) -> None:
        assert sensor(True).execute_complete({}, event("refused", "denied")) == {"checks": 1}
        with pytest.raises(RefusedError, match="my own advice"):
            sensor(RefusedError("my own advice")).execute_complete({}, event("refused", "denied"))


class TestAttempts:
    """Check the XCom of an attempt, by which ``outcome`` decides whether a person marked the task as failed."""

    @pytest.mark.parametrize(("try_number", "left"), [(2, IN_PROGRESS), (3, FINAL_ATTEMPT)])
    def test_an_attempt_that_waits_in_the_triggerer_has_pushed_its_start(
        self, context: Any, try_number: int, left: str
    ) -> None:
        context["ti"].try_number = try_number
        deferred(sensor(False).execute, context)
        assert context["ti"].xcoms == {ATTEMPT_KEY: left}

    def test_a_failed_attempt_has_pushed_its_error(self, context: Any) -> None:
        with pytest.raises(JobFailedError):
            sensor(JobFailedError("failed")).execute(context)
        assert context["ti"].xcoms[ATTEMPT_KEY] == "JobFailedError"

    def test_an_attempt_that_failed_after_a_deferral_has_pushed_its_error(self, context: Any) -> None:
        with pytest.raises(WaitTimeoutError):
            sensor(False).resume_execution("execute_complete", {"event": event("deadline")}, context)
        assert context["ti"].xcoms[ATTEMPT_KEY] == "WaitTimeoutError"
