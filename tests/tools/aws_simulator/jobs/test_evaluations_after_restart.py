"""Evaluation jobs go on after a restart of the simulator."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.aws_simulator import start_simulator
from tests.fakes.patience import wait_until
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.jobs.test_evaluation_runner import answers, create_human, lines


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


def test_a_job_that_was_stopping_is_stopped(tmp_path: Path) -> None:
    with start_simulator(tmp_path, evaluation_seconds=600) as simulator:
        arn = builders.create_evaluation(simulator)
        simulator.boto("bedrock").stop_evaluation_job(jobIdentifier=arn)
    with start_simulator(tmp_path, evaluation_seconds=0) as simulator:
        assert builders.finished_evaluation(simulator, arn)["status"] == "Stopped"
