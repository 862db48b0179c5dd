"""Prompt optimization jobs go on after a restart of the simulator."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.aws_simulator import start_simulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.jobs.test_optimization_runner import calls


def test_a_job_goes_on_after_a_restart_and_is_billed_once(tmp_path: Path) -> None:
    with start_simulator(tmp_path, optimization_seconds=600) as simulator:
        arn = builders.create_optimization(simulator)
    with start_simulator(tmp_path, optimization_seconds=0) as simulator:
        assert builders.finished_optimization(simulator, arn)["jobStatus"] == "Completed"
        assert len(builders.optimization_results(simulator, arn)) == 1
        once = calls(simulator, arn)
        other = builders.create_optimization(simulator)
        builders.finished_optimization(simulator, other)
        assert calls(simulator, other) == once > 0


def test_a_job_that_was_stopping_keeps_the_time_of_its_stop(tmp_path: Path) -> None:
    with start_simulator(tmp_path, optimization_seconds=600) as simulator:
        arn = builders.create_optimization(simulator)
        simulator.boto("bedrock").stop_advanced_prompt_optimization_job(jobIdentifier=arn)
        stopped = builders.optimization_state(simulator, arn)["lastModifiedTime"]
    with start_simulator(tmp_path, optimization_seconds=600) as simulator:
        assert builders.optimization_state(simulator, arn)["lastModifiedTime"] == stopped
        simulator.admin("PUT", "settings", {"optimization_seconds": 1})
        job = builders.finished_optimization(simulator, arn)
        assert (job["jobStatus"], "failureMessage" in job) == ("Stopped", False)
