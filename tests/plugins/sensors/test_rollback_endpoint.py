from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.sensors.rollback_endpoint import RollbackEndpointSensor
from tests.fakes.rollback_run import ARN, RollbackRun


@pytest.fixture
def sensor(run: RollbackRun) -> Any:
    run.do("choose")
    run.approve()
    run.do("switch")
    return run.task("switched")


def test_the_use_case_says_how_long_the_task_waits(sensor: Any) -> None:
    serving = sensor.use_case.serving
    assert (sensor.poll_interval_seconds, sensor.timeout_seconds) == (
        serving.poll_interval_seconds,
        60 * serving.timeout_minutes,
    )
    assert RollbackEndpointSensor(task_id="t", switching=None).timeout_seconds == 60


def test_the_task_ends_when_the_endpoint_answers_with_the_chosen_model(run: RollbackRun, sensor: Any) -> None:
    assert sensor.poll() is None
    run.bedrock.end_change()
    assert sensor.poll() == {**run.results["switch"], "arn": ARN}


@pytest.mark.parametrize("nothing", [None, {}])
def test_without_a_standing_endpoint_there_is_nothing_to_wait_for(run: RollbackRun, nothing: Any) -> None:
    run.results["switch"] = nothing
    assert run.task("switched").execute(run.context) == {}
