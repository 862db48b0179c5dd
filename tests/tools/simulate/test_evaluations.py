"""Schedules with an evaluation job buy one job for the same answers, and leave none running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import EVALUATION
from tools.simulate.search import judge
from tools.simulate.world import World


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation whose schedules let an evaluator score the answers of the base student."""
    yield from opened(tmp_path_factory.mktemp("evaluation"), EVALUATION)


def call(world: World, what: str, process: str) -> int:
    return next(one.number for one in world.run(()).calls if (one.what, one.process) == (what, process))


def schedules(world: World) -> list[tuple[Fault, ...]]:
    create, waiting = call(world, "CreateEvaluationJob", "task"), call(world, "GetEvaluationJob", "trigger")
    return [
        (),
        (Fault(create, Kind.KILLED_AFTER, Way.CLEAR_RUN),),
        (Fault(create, Kind.LOST, Way.MARK_RUN_FAILED),),  # submit waits for its retry, and does not know of its job
        (Fault(waiting, Kind.KILLED_BEFORE, Way.MARK_FAILED),),
        (Fault(waiting, Kind.DEAD_TRIGGERER, Way.MARK_FAILED),),
        (Fault(create - 1, Kind.OUTLIVED, Way.MARK_RUN_FAILED),),  # submit sleeps before it asks Airflow
    ]


def test_the_removal_of_each_mechanism_is_noticed(evaluation: World) -> None:
    planned = schedules(evaluation)
    assert [judge(evaluation, one)[0] for one in planned] == [[]] * len(planned)
    for mechanism in (one for one in MECHANISMS if one.part is EVALUATION):
        with mechanism.removed(), evaluation.worker.remembering():
            assert any(judge(evaluation, one)[0] for one in planned), mechanism.name


def test_a_job_of_a_run_that_was_given_up_is_stopped(evaluation: World) -> None:
    record = evaluation.run(schedules(evaluation)[2])
    assert [job["status"] for job in record.ledgers[-1]["evaluation_jobs"]] == ["Stopped", "Completed"]
