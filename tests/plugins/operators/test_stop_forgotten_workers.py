from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.lifecycle import forgotten_workers
from bedrock_distill.operators.stop_forgotten_workers import StopForgottenWorkersOperator
from include.distill.core.errors import InputError, OutcomeError, RefusedError
from tests.plugins.lifecycle.test_forgotten_workers import Airflow
from tests.plugins.workers_run import WorkersRun


def sweep(workers: WorkersRun, submitted: Any, **airflow: Any) -> Any:
    task = StopForgottenWorkersOperator(task_id="workers", region_name="us-east-1", use_cases=workers.use_cases)
    ti = Airflow(submitted, **airflow)
    ti.__dict__.update(run_id="sweep", try_number=1, max_tries=0)
    return task.execute({"ti": ti})  # type: ignore[typeddict-item]


def test_a_forgotten_job_is_stopped_and_named_in_the_result_and_in_the_log(
    workers: WorkersRun, capsys: pytest.CaptureFixture[str]
) -> None:
    submitted = workers.submit()
    assert sweep(workers, submitted, live_runs=1) == {"stopped": [], "left": 1}
    assert "another run of the labeling DAG" in capsys.readouterr().out
    assert sweep(workers, submitted) == {"stopped": [submitted["job_name"]], "left": 0}
    assert "Stopped evaluation job" in capsys.readouterr().out


def test_a_job_that_cannot_be_stopped_is_an_error_that_says_how_to_stop_it(
    workers: WorkersRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RefusedError("access denied")

    submitted = workers.submit()
    monkeypatch.setattr(forgotten_workers, "stop_workers_job", refuse)
    with pytest.raises(OutcomeError) as raised:
        sweep(workers, submitted)
    text = str(raised.value)
    assert f"1 of the jobs of human workers could not be checked or stopped: {submitted['job_arn']}: access" in text
    assert "aws bedrock stop-evaluation-job" in text
    assert "Each answer of a human worker in a running job." in text


def test_a_run_with_a_configuration_stops_nothing(workers: WorkersRun) -> None:
    task = StopForgottenWorkersOperator(task_id="workers", use_cases=workers.use_cases)
    with pytest.raises(InputError, match="Nothing was stopped"):
        task.execute({"ti": None, "dag_run": type("Run", (), {"conf": {"dry_run": True}})()})  # type: ignore[typeddict-item]
