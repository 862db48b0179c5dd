"""Jobs run in threads, follow changed settings, and survive stops, restarts and defects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.patience import wait_until
from tools.aws_simulator.account.records import CustomizationJobBody
from tools.aws_simulator.account.settings import SettingsStore
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.jobs.background import INTERNAL_ERROR, BackgroundJobs, Deadline
from tools.aws_simulator.jobs.training_data import DataFaultError

ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/x/abcdefghijkl"


class OnePhase(BackgroundJobs[CustomizationJobBody]):
    """Jobs of one phase, which last ``job_seconds``. With ``error``, a job raises it at the end."""

    def __init__(self, state: State, settings: SettingsStore, *, error: Exception | None = None) -> None:
        super().__init__(state.jobs, settings, unfinished=("InProgress", "Stopping"))
        self.error = error

    def _work(self, arn: str) -> None:
        job = self._jobs.get(arn)
        if job.body["fault"]:
            self._wait(arn, self._stall_end(job))
        self._wait(arn, Deadline(lambda: self._settings.current.job_seconds, job.created))
        if self.error:
            raise self.error
        self._save(arn, status="Completed")

    def _stopped(self, arn: str) -> None:
        self._save(arn, status="Stopped")

    def _failed(self, arn: str, message: str) -> None:
        self._save(arn, status="Failed", failureMessage=message)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "state.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def settings(state: State) -> SettingsStore:
    store = SettingsStore(state)
    store.change({"job_seconds": 600})
    return store


def add_job(state: State, *, status: str = "InProgress", fault: dict[str, Any] | None = None) -> None:
    body: Any = {"status": status, "fault": fault, "modified": time.time()}
    state.jobs.add(Resource("job", ARN, "us-east-1", "mine-1", time.time(), body))


def status(state: State) -> str:
    return state.jobs.get(ARN).body["status"]


def test_a_shorter_setting_ends_a_running_phase(state: State, settings: SettingsStore) -> None:
    add_job(state)
    jobs = OnePhase(state, settings)
    jobs.start(ARN)
    time.sleep(0.05)
    assert status(state) == "InProgress"
    settings.change({"job_seconds": 0})
    wait_until(lambda: status(state) == "Completed")


def test_a_job_is_stopped_once_and_records_its_earlier_status(state: State, settings: SettingsStore) -> None:
    add_job(state)
    jobs = OnePhase(state, settings)
    assert jobs.stop(ARN) is True
    assert (status(state), state.jobs.get(ARN).body["stopped_in"]) == ("Stopping", "InProgress")
    assert jobs.stop(ARN) is True
    assert state.jobs.get(ARN).body["stopped_in"] == "InProgress"
    jobs.start(ARN)
    wait_until(lambda: status(state) == "Stopped")
    assert jobs.stop(ARN) is False


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(DataFaultError("Line 3 is not JSON."), "Line 3 is not JSON.", id="the data's fault"),
        pytest.param(RuntimeError("a defect"), INTERNAL_ERROR, id="our own defect"),
    ],
)
def test_a_job_that_cannot_continue_fails_with_a_message(
    state: State, settings: SettingsStore, error: Exception, message: str
) -> None:
    settings.change({"job_seconds": 0})
    add_job(state)
    OnePhase(state, settings, error=error).start(ARN)
    wait_until(lambda: status(state) == "Failed")
    assert state.jobs.get(ARN).body["failureMessage"] == message


def test_closing_does_not_change_a_job_and_the_next_process_resumes_the_job(
    state: State, settings: SettingsStore
) -> None:
    add_job(state)
    first = OnePhase(state, settings)
    first.start(ARN)
    first.close()
    settings.change({"job_seconds": 0})
    time.sleep(0.05)
    assert status(state) == "InProgress"
    OnePhase(state, settings).resume()
    wait_until(lambda: status(state) == "Completed")


def test_an_ended_job_is_not_resumed(state: State, settings: SettingsStore) -> None:
    settings.change({"job_seconds": 0})
    add_job(state, status="Failed")
    OnePhase(state, settings).resume()
    time.sleep(0.05)
    assert status(state) == "Failed"


def test_an_endless_stall_is_ended_only_for_matching_names(state: State, settings: SettingsStore) -> None:
    settings.change({"job_seconds": 0})
    add_job(state, fault={"kind": "job_stalled", "seconds": None})
    jobs = OnePhase(state, settings)
    jobs.start(ARN)
    time.sleep(0.05)
    assert jobs.end_stalls("theirs") == 0
    assert status(state) == "InProgress"
    assert jobs.end_stalls("mine-") == 1
    wait_until(lambda: status(state) == "Completed")
    assert jobs.end_stalls("mine-") == 0


def test_a_deadline_moves_with_its_length_and_may_be_infinite() -> None:
    length: list[float | None] = [10.0]
    deadline = Deadline(lambda: length[0], time.time())
    assert deadline.remaining() == pytest.approx(10, abs=0.5)
    length[0] = -5.0
    assert deadline.remaining() == pytest.approx(-5, abs=0.5)
    length[0] = None
    assert deadline.remaining() is None


class TestStepByStep:
    """Jobs without threads go on when their caller says so."""

    def test_a_job_goes_on_only_when_its_time_has_come(
        self, state: State, settings: SettingsStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add_job(state)
        jobs = OnePhase(state, settings)
        jobs.step_by_step()
        jobs.start(ARN)
        jobs.run_due()
        assert status(state) == "InProgress"
        assert jobs.due is not None
        due = jobs.due[ARN]
        monkeypatch.setattr(time, "time", lambda: due)
        jobs.run_due()
        assert status(state) == "Completed"
        assert jobs.due == {}

    def test_a_stop_and_the_end_of_a_stall_are_due_at_once(self, state: State, settings: SettingsStore) -> None:
        add_job(state, fault={"kind": "job_stalled", "seconds": None})
        jobs = OnePhase(state, settings)
        jobs.step_by_step()
        jobs.start(ARN)
        jobs.run_due()
        assert jobs.due == {ARN: float("inf")}
        assert jobs.end_stalls("mine") == 1
        jobs.run_due()
        assert jobs.due[ARN] < float("inf")
        jobs.stop(ARN)
        jobs.run_due()
        assert status(state) == "Stopped"
