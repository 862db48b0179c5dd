"""Check what is particular to the wait for an evaluation job. What all jobs share is in ``test_named_job.py``."""

from __future__ import annotations

import pytest

from bedrock_distill.sensors.evaluation_job import BedrockEvaluationJobSensor
from tests.plugins.conftest import RUN_URI


@pytest.mark.parametrize("kind", ["pointwise", "human"])
def test_the_settings_are_those_of_the_kind_of_evaluation(kind: str) -> None:
    sensor = BedrockEvaluationJobSensor(
        task_id="g.wait", run_uri=RUN_URI, submitted={}, kind=kind, poll_interval_seconds=1, timeout_seconds=1
    )
    assert sensor.settings_key == f"evaluations.{kind}"
