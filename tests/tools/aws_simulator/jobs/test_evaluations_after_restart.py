"""Evaluation jobs go on after a restart of the simulator."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_simulator import start_simulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.jobs.test_evaluation_runner import answers, create_human, lines
from tools.aws_simulator.jobs import evaluation_ratings


def test_a_judge_job_goes_on_after_a_restart_and_is_billed_once(tmp_path: Path) -> None:
    with start_simulator(tmp_path, evaluation_seconds=600) as simulator:
        arn = builders.create_evaluation(simulator, lines(2))
        wait_until(lambda: simulator.ledger["evaluation_jobs"][-1]["prompts"])
    with start_simulator(tmp_path, evaluation_seconds=0) as simulator:
        assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
        assert simulator.ledger["by_model"][builders.EVALUATOR]["calls"] == 2
        assert len(builders.evaluation_output(simulator, arn)) == 1


def test_a_human_job_keeps_its_tasks_and_answers(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        models = {"models": [builders.bedrock_model()]}
        arn = create_human(simulator, lines=[{"prompt": "One?"}, {"prompt": "Two?"}], inferenceConfig=models)
        builders.open_tasks(simulator, arn)
        simulator.admin("POST", "human_answers", {"job": arn, "answers": answers(1)})
    with start_simulator(tmp_path) as simulator:
        assert [task["answers"] for task in builders.open_tasks(simulator, arn)] == [0, 1]
        simulator.admin("POST", "human_answers", {"job": arn, "answers": answers(0)})
        assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"
        assert simulator.ledger["by_model"][builders.STUDENT]["calls"] == 2


def test_a_stopped_job_is_not_billed_for_the_time_after_its_stop(tmp_path: Path) -> None:
    with start_simulator(tmp_path, evaluation_seconds=600) as simulator:
        arn = builders.create_evaluation(simulator, lines(100))
        wait_until(lambda: simulator.ledger["evaluation_jobs"][-1]["prompts"])
        simulator.boto("bedrock").stop_evaluation_job(jobIdentifier=arn)
        stopped = builders.evaluation_state(simulator, arn)["lastModifiedTime"]
        seconds = (stopped - builders.evaluation_state(simulator, arn)["creationTime"]).total_seconds()
    time.sleep(seconds + 1)
    with start_simulator(tmp_path, evaluation_seconds=600) as simulator:
        assert builders.evaluation_state(simulator, arn)["lastModifiedTime"] == stopped
        # The job had less than half of its time when it was stopped, and more than half of it when it went on.
        simulator.admin("PUT", "settings", {"evaluation_seconds": 2 * seconds + 0.5})
        assert builders.finished_evaluation(simulator, arn)["status"] == "Stopped"
        assert simulator.ledger["evaluation_jobs"][-1]["billed_ratings"] < 50


def test_a_job_ends_quietly_when_the_simulator_is_closed_while_it_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rating, go_on = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        rating.set()
        go_on.wait(10)
        raise RuntimeError("the state is closed")

    with monkeypatch.context() as patched:
        patched.setattr(evaluation_ratings, "evaluate", slow)
        with start_simulator(tmp_path, evaluation_seconds=0) as simulator:
            arn = builders.create_evaluation(simulator, lines(2))
            assert rating.wait(10)
            thread = next(one for one in threading.enumerate() if one.name == f"job {arn[-12:]}")
        go_on.set()
        thread.join(10)
    assert "failed inside the simulator" not in caplog.text
    with start_simulator(tmp_path, evaluation_seconds=0) as simulator:
        assert builders.finished_evaluation(simulator, arn)["status"] == "Completed"


def test_a_job_that_was_stopping_is_stopped(tmp_path: Path) -> None:
    with start_simulator(tmp_path, evaluation_seconds=600) as simulator:
        arn = builders.create_evaluation(simulator)
        simulator.boto("bedrock").stop_evaluation_job(jobIdentifier=arn)
    with start_simulator(tmp_path, evaluation_seconds=0) as simulator:
        assert builders.finished_evaluation(simulator, arn)["status"] == "Stopped"
