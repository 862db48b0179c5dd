"""Schedules that serve a model leave no endpoint behind, neither throughput nor a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.checks import breaches
from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import ON_DEMAND, SERVING
from tools.simulate.parts_of_purchases import CHOSEN_THROUGHPUT
from tools.simulate.search import judge
from tools.simulate.world import World

OPERATIONS = {
    SERVING: "ProvisionedModelThroughput",
    ON_DEMAND: "CustomModelDeployment",
    CHOSEN_THROUGHPUT: "ProvisionedModelThroughput",
}


@pytest.fixture(params=OPERATIONS, ids=lambda part: part.name)
def serving_world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """An installation whose schedules serve a model. Only one world can be open at a time."""
    yield from opened(tmp_path, request.param)


def call(world: World, action: str, process: str = "task") -> int:
    """Return the number of the first call that creates, gets or deletes the endpoint."""
    what = action + OPERATIONS[world.part]
    return next(one.number for one in world.run(()).calls if (one.what, one.process) == (what, process))


def test_an_endpoint_is_deleted_after_every_way_back(serving_world: World) -> None:
    at = call(serving_world, "Create")
    for way in Way:
        assert judge(serving_world, (Fault(at, Kind.KILLED_AFTER, way),))[0] == [], way


@pytest.mark.parametrize("kind", [Kind.LOST_ONCE, Kind.LOST, Kind.LATE, Kind.TWICE, Kind.KILLED_AFTER])
def test_a_deletion_whose_answer_is_lost_is_not_left_undone(serving_world: World, kind: Kind) -> None:
    record = serving_world.run((Fault(call(serving_world, "Delete"), kind),))
    [endpoint] = [*record.ledgers[-1]["throughputs"], *record.ledgers[-1]["deployments"]]
    assert (record.ended, endpoint["alive"], breaches(record)) == (["success"], False, [])


def test_the_removal_of_each_mechanism_is_noticed(serving_world: World) -> None:
    schedules = [
        (),
        (Fault(call(serving_world, "Create"), Kind.KILLED_AFTER),),
        (Fault(call(serving_world, "Delete"), Kind.KILLED_AFTER, Way.CLEAR_RUN),),
        (Fault(call(serving_world, "Get", "trigger"), Kind.KILLED_BEFORE, Way.MARK_FAILED),),
        (Fault(call(serving_world, "Delete"), Kind.KILLED_BEFORE, Way.MARK_FAILED),),
        (Fault(0, Kind.OUTLIVED),),
    ]
    assert [judge(serving_world, one)[0] for one in schedules] == [[]] * len(schedules)
    for mechanism in (one for one in MECHANISMS if one.part is serving_world.part):
        with mechanism.removed(), serving_world.worker.remembering():
            assert any(judge(serving_world, one)[0] for one in schedules), mechanism.name
