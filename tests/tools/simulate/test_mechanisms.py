"""The checker notices the removal of each mechanism, with a schedule that is known to need it."""

from __future__ import annotations

import pytest

from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS, Mechanism
from tools.simulate.parts import TRAINING
from tools.simulate.search import judge
from tools.simulate.world import World


def schedules(world: World) -> list[tuple[Fault, ...]]:
    calls = world.run(()).calls
    create = next(one.number for one in calls if one.what == "CreateModelCustomizationJob")
    waiting = next(one.number for one in calls if one.process == "trigger")
    last = calls[-1].number
    return [
        (),
        (Fault(create, Kind.KILLED_AFTER),),
        (Fault(waiting, Kind.KILLED_BEFORE, Way.MARK_FAILED),),
        (Fault(waiting, Kind.DEAD_TRIGGERER, Way.MARK_FAILED),),
        (Fault(last, Kind.KILLED_BEFORE),),
    ]


@pytest.mark.parametrize("mechanism", [one for one in MECHANISMS if one.part is TRAINING], ids=lambda one: one.name)
def test_the_removal_of_a_mechanism_is_noticed(world: World, mechanism: Mechanism) -> None:
    planned = schedules(world)
    assert [judge(world, one)[0] for one in planned] == [[]] * len(planned)
    with mechanism.removed():
        assert any(judge(world, one)[0] for one in planned)
    assert judge(world, planned[1])[0] == []


def test_each_mechanism_has_a_name_of_its_own() -> None:
    assert len({one.name for one in MECHANISMS}) == len(MECHANISMS)
