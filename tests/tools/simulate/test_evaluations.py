"""Schedules with an evaluation or a prompt optimization job buy one job for the same input, and leave none running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import EVALUATION
from tools.simulate.parts_of_purchases import OPTIMIZATION
from tools.simulate.search import judge
from tools.simulate.world import World

# For each part, the name of its jobs in the operations of AWS, and the key in the ledger.
JOBS = {
    EVALUATION: ("EvaluationJob", "evaluation_jobs"),
    OPTIMIZATION: ("AdvancedPromptOptimizationJob", "optimization_jobs"),
}


@pytest.fixture(scope="module", params=JOBS, ids=lambda part: part.name)
def world(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[World]:
    """An installation whose schedules score answers or optimize a prompt."""
    yield from opened(tmp_path_factory.mktemp(request.param.name), request.param)


def call(world: World, what: str, process: str) -> int:
    return next(one.number for one in world.run(()).calls if (one.what, one.process) == (what, process))


def schedules(world: World) -> list[tuple[Fault, ...]]:
    name, _ = JOBS[world.part]
    create, waiting = call(world, f"Create{name}", "task"), call(world, f"Get{name}", "trigger")
    return [
        (),
        (Fault(create, Kind.KILLED_AFTER, Way.CLEAR_RUN),),
        (Fault(create, Kind.LOST, Way.MARK_RUN_FAILED),),  # submit waits for its retry, and does not know of its job
        (Fault(waiting, Kind.KILLED_BEFORE, Way.MARK_FAILED),),
        (Fault(waiting, Kind.DEAD_TRIGGERER, Way.MARK_FAILED),),
        (Fault(create - 1, Kind.OUTLIVED, Way.MARK_RUN_FAILED),),  # submit sleeps before it asks Airflow
    ]


def test_the_removal_of_each_mechanism_is_noticed(world: World) -> None:
    planned = schedules(world)
    assert [judge(world, one)[0] for one in planned] == [[]] * len(planned)
    for mechanism in (one for one in MECHANISMS if one.part is world.part):
        with mechanism.removed(), world.worker.remembering():
            assert any(judge(world, one)[0] for one in planned), mechanism.name


def test_a_job_of_a_run_that_was_given_up_is_stopped(world: World) -> None:
    record = world.run(schedules(world)[2])
    assert [job["status"] for job in record.ledgers[-1][JOBS[world.part][1]]] == ["Stopped", "Completed"]
