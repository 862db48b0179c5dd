"""Schedules that serve a model leave no endpoint behind."""

from __future__ import annotations

import pytest

from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.parts import SERVING
from tools.simulate.search import judge, shuffled_single_faults
from tools.simulate.world import World


def call(world: World, what: str) -> int:
    return next(one.number for one in world.run(()).calls if one.what == what)


def test_an_endpoint_is_deleted_after_every_way_back(serving_world: World) -> None:
    at = call(serving_world, "CreateProvisionedModelThroughput")
    for way in Way:
        assert judge(serving_world, (Fault(at, Kind.KILLED_AFTER, way),))[0] == [], way


def test_a_sample_of_the_schedules_ends_well(serving_world: World) -> None:
    for schedule in shuffled_single_faults(serving_world, 3)[:20]:
        assert judge(serving_world, schedule)[0] == [], schedule


@pytest.mark.parametrize("name", ["teardown", "tombstone"])
def test_the_removal_of_a_mechanism_is_noticed(serving_world: World, name: str) -> None:
    mechanism = next(one for one in MECHANISMS if (one.part, one.name) == (SERVING, name))
    at = call(serving_world, "DeleteProvisionedModelThroughput")
    schedules = [(), (Fault(at, Kind.KILLED_AFTER, Way.CLEAR_RUN),)]
    assert [judge(serving_world, one)[0] for one in schedules] == [[], []]
    with mechanism.removed():
        assert any(judge(serving_world, one)[0] for one in schedules)
