"""The named cases have unique names, which the matrix does not repeat."""

from __future__ import annotations

import datetime
from unittest import mock

from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.lifecycle.progress import describe_stall
from bedrock_distill.sensors.customization_job import BedrockCustomizationJobSensor
from tools.chaos.batches import batches
from tools.chaos.distillation import distillation
from tools.chaos.matrix import matrix
from tools.chaos.on_demand import on_demand
from tools.chaos.promotions import promotions
from tools.chaos.rollbacks import rollbacks
from tools.chaos.runner import run_cases
from tools.chaos.scenarios import NOT_STOPPED, STALLED, scenarios


def test_no_two_cases_share_a_name() -> None:
    names = [
        case.name
        for case in (*matrix(), *scenarios(), *batches(), *distillation(), *on_demand(), *promotions(), *rollbacks())
    ]
    assert len(names) == len(set(names))


def test_every_case_is_in_a_phase_that_is_run() -> None:
    started: list[str] = []
    cases = [*matrix(), *scenarios(), *batches(), *distillation(), *on_demand(), *promotions(), *rollbacks()]
    for case in cases:
        name = case.name

        def script(trial: object, name: str = name) -> None:
            started.append(name)

        case.script = script

    class Table:
        def add(self, rows: object) -> None:
            """Print nothing."""

    run_cases(mock.Mock(), cases, Table())  # type: ignore[arg-type]
    assert sorted(started) == sorted(case.name for case in cases)


def test_only_the_cases_of_the_sweeper_run_alone() -> None:
    assert all(
        "release_leftovers" in case.name
        for case in (*scenarios(), *on_demand(), *promotions())
        if case.phase == "alone"
    )


def test_the_texts_that_cases_look_for_in_the_log_are_in_the_messages_of_the_task_trained() -> None:
    created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    job = CustomizationJob("job", "arn", "InProgress", created, details=(("trainingDetails", "NotStarted"),))
    assert STALLED in describe_stall(job)
    sensor = BedrockCustomizationJobSensor(
        task_id="tuned.trained",
        run_uri="s3://bucket/prefix/runs/run",
        submitted={"job_name": "job"},
        poll_interval_seconds=1,
        timeout_seconds=60,
    )
    assert NOT_STOPPED in str(sensor.timeout_error("The job is in progress."))
