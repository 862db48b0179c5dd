"""The checker notices the removal of each mechanism, with a schedule that is known to need it."""

from __future__ import annotations

from tools.simulate.faults import Fault, Kind, Way
from tools.simulate.mechanisms import MECHANISMS
from tools.simulate.search import judge
from tools.simulate.world import World


def schedules(world: World) -> list[tuple[Fault, ...]]:
    calls = world.run(()).calls
    create = next(one.number for one in calls if one.what == "CreateModelCustomizationJob")
    waiting = next(one.number for one in calls if one.process == "trigger")
    last = calls[-1].number
    return [
        (),
        (Fault(create - 1, Kind.OUTLIVED, Way.MARK_RUN_FAILED),),
        (Fault(create, Kind.KILLED_AFTER),),
        (Fault(create, Kind.KILLED_AFTER, Way.MARK_FAILED),),
        (Fault(waiting, Kind.KILLED_BEFORE, Way.CLEAR),),
        (Fault(waiting, Kind.KILLED_BEFORE, Way.MARK_FAILED),),
        (Fault(waiting, Kind.DEAD_TRIGGERER, Way.MARK_FAILED),),
        (Fault(waiting, Kind.BACKFILL_WAITS, Way.MARK_FAILED),),
        (Fault(last, Kind.KILLED_BEFORE),),
    ]


def test_the_removal_of_each_mechanism_is_noticed(world: World) -> None:
    planned = schedules(world)
    with world.worker.remembering():
        assert [judge(world, one).wrong for one in planned] == [[]] * len(planned)
    for mechanism in (one for one in MECHANISMS if one.part is world.part):
        with mechanism.removed(), world.worker.remembering():
            assert any(judge(world, one).wrong for one in planned), mechanism.name
    assert judge(world, planned[2]).wrong == []


def test_each_mechanism_has_a_name_of_its_own() -> None:
    assert len({one.name for one in MECHANISMS}) == len(MECHANISMS)
